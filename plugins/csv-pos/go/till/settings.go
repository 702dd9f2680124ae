package till

import (
	"slices"
	"strconv"
	"strings"
	"time"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// The largest offset that is in use anywhere, in whole hours: Kiribati's.
const maxOffsetHours = 14

// settings say how a till writes its file. They are read once a call.
type settings struct {
	delimiter byte
	columns   columns
	currency  string
	// For times that say none; nil where there is none.
	offset       *time.Duration
	decimalComma bool
	// Receipts that begin so take goods back; empty where nobody says.
	returnPrefix string
	// Codes that are money and no article, such as postage.
	charges      []string
	skipsBadRows bool
	// Locations of the node by what the file calls them.
	locations map[string]string
}

// columns are what the file's first line calls each column that is read; the last two may be empty, and are not read
// then.
type columns struct {
	receipt, sku, quantity, unitPrice, time, customer, location string
}

// given are the settings by key, as they are written.
type given map[string]string

func readSettings(config []wit.Tuple2[string, string]) (*settings, error) {
	given := given{}
	locations := map[string]string{}
	for _, pair := range config {
		given[pair.F0] = pair.F1
		if place, ok := strings.CutPrefix(pair.F0, "location."); ok {
			locations[place] = pair.F1
		}
	}
	settings := &settings{
		columns:      given.columns(),
		returnPrefix: given["return-prefix"],
		charges:      strings.Split(given["charges"], " "),
		locations:    locations,
	}
	return settings, given.checkInto(settings)
}

// checkInto reads the settings that may be wrong; the first one that is counts.
func (g given) checkInto(settings *settings) (err error) {
	if settings.delimiter, err = g.delimiter(); err != nil {
		return err
	}
	if settings.currency, err = g.currency(); err != nil {
		return err
	}
	if settings.offset, err = g.offset(); err != nil {
		return err
	}
	if settings.decimalComma, err = g.flag("decimal-comma", "no", "yes"); err != nil {
		return err
	}
	settings.skipsBadRows, err = g.flag("bad-rows", "refuse", "skip")
	return err
}

func (g given) columns() columns {
	named := func(key, usual string) string {
		if name := g["column."+key]; name != "" {
			return name
		}
		return usual
	}
	return columns{
		receipt:   named("receipt", "receipt"),
		sku:       named("sku", "sku"),
		quantity:  named("quantity", "quantity"),
		unitPrice: named("unit-price", "unit_price"),
		time:      named("time", "sold_at"),
		customer:  named("customer", ""),
		location:  named("location", ""),
	}
}

func (g given) delimiter() (byte, error) {
	text, ok := g["delimiter"]
	switch {
	case !ok:
		return ',', nil
	case text == "tab":
		return '\t', nil
	case len(text) == 1 && !strings.ContainsAny(text, "\"\r\n"):
		return text[0], nil
	}
	return 0, rejected("delimiter", text, "it must be one ASCII character, or the word tab")
}

func (g given) currency() (string, error) {
	code := g["currency"]
	isCapital := func(char rune) bool { return 'A' <= char && char <= 'Z' }
	if len(code) == 3 && strings.IndexFunc(code, func(char rune) bool { return !isCapital(char) }) < 0 {
		return code, nil
	}
	return "", rejected("currency", code, "the channel's settings must name the currency of the file, such as EUR")
}

func (g given) offset() (*time.Duration, error) {
	text, ok := g["utc-offset"]
	if !ok {
		return nil, nil
	}
	wrong := rejected("utc-offset", text, "it must be an offset such as +01:00")
	if len(text) != len("+01:00") || !strings.Contains("+-", text[:1]) || text[3] != ':' {
		return nil, wrong
	}
	if !isDigits(text[1:3]) || !isDigits(text[4:]) {
		return nil, wrong
	}
	hours, minutes := number(text[1:3]), number(text[4:])
	if hours > maxOffsetHours || minutes > 59 {
		return nil, wrong
	}
	offset := east(text[0], hours, minutes)
	return &offset, nil
}

// flag is a setting with two words.
func (g given) flag(key, usual, other string) (bool, error) {
	word, ok := g[key]
	if !ok {
		word = usual
	}
	if !slices.Contains([]string{usual, other}, word) {
		return false, rejected(key, word, "it must be "+usual+" or "+other)
	}
	return word == other, nil
}

// east is an offset from Greenwich.
func east(sign byte, hours, minutes int) time.Duration {
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if sign == '-' {
		return -offset
	}
	return offset
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// number reads a few digits.
func number(digits string) int {
	value, _ := strconv.Atoi(digits)
	return value
}
