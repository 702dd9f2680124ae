package till

import "bytes"

const (
	open   = "a quote is opened and not closed"
	behind = "there is text behind a closing quote"
)

// What some programs write before a text in UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// reader reads records of CSV (RFC 4180) and knows where in the bytes each ends, which encoding/csv does not say of
// every one. CR and LF each end a line; a line without anything is no record; a quotation mark within a field is one.
type reader struct {
	body      []byte
	delimiter byte
	// Where the record ends that was read last.
	position int
	// The rule that its quotation marks break; none where it is empty.
	broken string
}

func newReader(body []byte, delimiter byte) *reader {
	reader := &reader{body: body, delimiter: delimiter}
	if bytes.HasPrefix(body, byteOrderMark) {
		reader.position = len(byteOrderMark)
	}
	return reader
}

// next gives the fields of the next record; none at the end.
func (r *reader) next() [][]byte {
	r.broken = ""
	for r.position < len(r.body) && isLineEnd(r.body[r.position]) {
		r.position++
	}
	if r.position == len(r.body) {
		return nil
	}
	var fields [][]byte
	for goesOn := true; goesOn; {
		fields = append(fields, r.field())
		goesOn = r.position < len(r.body) && r.body[r.position] == r.delimiter
		// What ends a field is none of it.
		r.position = min(r.position+1, len(r.body))
	}
	return fields
}

// endWithLine ends a record with its first line: where its quotation marks are broken, what they kept together are
// other records.
func (r *reader) endWithLine(start int) {
	r.position = start
	for r.position < len(r.body) && isLineEnd(r.body[r.position]) {
		r.position++
	}
	for r.position < len(r.body) && !isLineEnd(r.body[r.position]) {
		r.position++
	}
	r.position = min(r.position+1, len(r.body))
}

// breaks notes the first rule that a record breaks.
func (r *reader) breaks(rule string) {
	if r.broken == "" {
		r.broken = rule
	}
}

// field reads a field up to what ends it.
func (r *reader) field() []byte {
	if r.position == len(r.body) || r.body[r.position] != '"' {
		return r.plain()
	}
	field := r.quoted()
	if rest := r.plain(); len(rest) > 0 {
		r.breaks(behind)
		return append(field, rest...)
	}
	return field
}

func (r *reader) plain() []byte {
	start := r.position
	for r.position < len(r.body) && r.body[r.position] != r.delimiter && !isLineEnd(r.body[r.position]) {
		r.position++
	}
	return r.body[start:r.position]
}

// quoted reads what stands between quotation marks, two of which within stand for one.
func (r *reader) quoted() []byte {
	var field []byte
	for {
		r.position++
		length := bytes.IndexByte(r.body[r.position:], '"')
		if length < 0 {
			r.breaks(open)
			field = append(field, r.body[r.position:]...)
			r.position = len(r.body)
			return field
		}
		field = append(field, r.body[r.position:r.position+length]...)
		r.position += length + 1
		if r.position == len(r.body) || r.body[r.position] != '"' {
			return field
		}
		field = append(field, '"')
	}
}

func isLineEnd(char byte) bool { return char == '\r' || char == '\n' }
