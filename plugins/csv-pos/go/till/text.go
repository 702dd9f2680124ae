package till

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	errNotUTF8 = errors.New("it is no UTF-8")
	errEmpty   = errors.New("it must not be empty")
)

// textOf is the text of a field, without white space around it.
func textOf(field []byte) (string, error) {
	if !utf8.Valid(field) {
		return "", errNotUTF8
	}
	return strings.TrimSpace(string(field)), nil
}

// checkShort checks that a text has at most so many bytes, and none that a terminal would obey.
func checkShort(text string, most int) error {
	if len(text) > most || strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("it must have at most %d bytes and no control characters", most)
	}
	return nil
}

// quoted is a text between quotation marks, and visible: for a line of the log.
func quoted(text string) string {
	var quoted strings.Builder
	quoted.WriteByte('"')
	for _, char := range text {
		quoted.WriteString(visible(char))
	}
	quoted.WriteByte('"')
	return quoted.String()
}

var namedEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, 0: `\0`}

// visible is a character, or what stands for it where one would not see it, or see it with its neighbour.
func visible(char rune) string {
	if escape, ok := namedEscapes[char]; ok {
		return escape
	}
	if unicode.IsPrint(char) && !unicode.In(char, unicode.Mn, unicode.Me) {
		return string(char)
	}
	return fmt.Sprintf(`\u{%x}`, char)
}
