package till

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	types "wit_component/tillmesh_channel_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

const (
	// The largest quantity that a node records in a line.
	maxUnits = 1_000_000_000
	// The largest amount that a node records.
	maxAmount = 1_000_000_000_000_000
	// The most decimals of a unit price.
	maxScale = 9
	// The longest SKU that a node takes, in bytes.
	maxSKU = 64
	// The longest number of a receipt, in bytes: with a location, a time and a count behind it a reference takes it.
	maxReceipt = 56
	// The longest customer's reference, in bytes.
	maxCustomer = 128
)

var (
	errNotWhole   = errors.New("it must be a whole number of base units")
	errZero       = errors.New("it must not be 0")
	errTooMany    = fmt.Errorf("it must be at most %d", maxUnits)
	errPoint      = errors.New("it must be a decimal such as 12,50, without points")
	errNotDecimal = errors.New("it must be a decimal such as 12.50")
	errTooLarge   = errors.New("it is too large")
	errNegative   = errors.New("it must not be negative")
	errCharge     = errors.New("it is a charge, and money alone cannot be taken back")
	errSold       = errors.New("it was sold, and its receipt takes goods back")
)

// row is an item.
type row struct {
	receipt string
	what    what
	code    string
	// At least 1.
	units     uint64
	unitPrice types.UnitPrice
	// Microseconds since 1970.
	at int64
	// Empty where the file says none.
	customer, location string
}

// what happened to the goods, if they are any.
type what int

const (
	sold what = iota
	// Money and no goods.
	charged
	takenBack
	writtenOff
)

// readRow reads a row, or says which field of it is refused, and why.
func readRow(record record, settings *settings) (row, *Refusal) {
	f := fields{record: record}
	names, places := settings.columns, record.places
	if f.check("fields", "", checkFields(record)); f.refusal != nil {
		return row{}, f.refusal
	}
	receipt := f.filled(names.receipt, places.receipt)
	code := f.filled(names.sku, places.sku)
	f.check(names.receipt, receipt, checkShort(receipt, maxReceipt))
	f.check(names.sku, code, checkShort(code, maxSKU))
	quantity := f.filled(names.quantity, places.quantity)
	price := f.filled(names.unitPrice, places.unitPrice)
	time := f.filled(names.time, places.time)
	units, err := wholeUnits(quantity, settings)
	f.check(names.quantity, quantity, err)
	what, err := whatOf(receipt, code, units > 0, settings)
	f.check(names.sku, code, err)
	unitPrice, err := unitPriceOf(price, settings)
	f.check(names.unitPrice, price, err)
	at, err := moment(time, settings.offset)
	f.check(names.time, time, err)
	customer := f.optional("customer", places.customer)
	f.check("customer", customer, checkShort(customer, maxCustomer))
	location, err := locationOf(f.optional("location", places.location), settings)
	f.check("location", "", err)
	units = max(units, -units)
	return row{receipt, what, code, uint64(units), unitPrice, at, customer, location}, f.refusal
}

// fields reads the fields of a row and keeps the first refusal.
type fields struct {
	record  record
	refusal *Refusal
}

func (f *fields) check(name, value string, broken error) {
	if f.refusal == nil && broken != nil {
		f.refusal = malformed(f.record.describe()+", "+name, value, broken.Error())
	}
}

// filled is the text of a field that must not be empty.
func (f *fields) filled(name string, place int) string {
	text := f.optional(name, place)
	if text == "" {
		f.check(name, "", errEmpty)
	}
	return text
}

// optional is the text of a field whose column may not be read at all.
func (f *fields) optional(name string, place int) string {
	if place == nowhere {
		return ""
	}
	text, err := textOf(f.record.fields[place])
	f.check(name, "", err)
	return text
}

func checkFields(record record) error {
	if record.broken != "" {
		return errors.New(record.broken)
	}
	if found := len(record.fields); found != record.places.width {
		return fmt.Errorf("it has %d fields, the line of names has %d", found, record.places.width)
	}
	return nil
}

// wholeUnits reads a whole number of units, with zeros behind the point or without; never 0.
func wholeUnits(text string, settings *settings) (int64, error) {
	point := "."
	if settings.decimalComma {
		point = ","
	}
	if whole, zeros, _ := strings.Cut(text, point); zeros != "" && strings.Trim(zeros, "0") == "" {
		text = whole
	}
	units, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return 0, errNotWhole
	case units == 0:
		return 0, errZero
	case units > maxUnits || units < -maxUnits:
		return 0, errTooMany
	}
	return units, nil
}

// whatOf is what a row says. Without a prefix of returns, what is negative came back; with one, only what stands on
// those receipts did.
func whatOf(receipt, code string, isSold bool, settings *settings) (what, error) {
	hasPrefix := settings.returnPrefix != ""
	onReturn := hasPrefix && strings.HasPrefix(receipt, settings.returnPrefix)
	isCharge := slices.Contains(settings.charges, code)
	switch {
	case isCharge && isSold && !onReturn:
		return charged, nil
	case isCharge:
		return 0, errCharge
	case isSold && onReturn:
		return 0, errSold
	case isSold:
		return sold, nil
	case onReturn || !hasPrefix:
		return takenBack, nil
	}
	return writtenOff, nil
}

// unitPriceOf reads a price, with the decimals that the text has.
func unitPriceOf(text string, settings *settings) (types.UnitPrice, error) {
	if settings.decimalComma {
		if strings.Contains(text, ".") {
			return types.UnitPrice{}, errPoint
		}
		text = strings.ReplaceAll(text, ",", ".")
	}
	digits, isNegative := strings.CutPrefix(text, "-")
	whole, fraction, hasPoint := strings.Cut(digits, ".")
	if !isDigits(whole) || (hasPoint && !isDigits(fraction)) {
		return types.UnitPrice{}, errNotDecimal
	}
	if len(fraction) > maxScale {
		return types.UnitPrice{}, fmt.Errorf("it has %d decimals, at most %d are allowed", len(fraction), maxScale)
	}
	amount, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil {
		return types.UnitPrice{}, errTooLarge
	}
	switch {
	case isNegative && amount != 0:
		return types.UnitPrice{}, errNegative
	case amount > maxAmount:
		return types.UnitPrice{}, errTooLarge
	}
	scale := wit.Some(uint8(len(fraction)))
	return types.UnitPrice{Amount: amount, Scale: scale, Currency: settings.currency}, nil
}

// locationOf is a location of the file as one of the node's; none, the node's own, where the file says none.
func locationOf(place string, settings *settings) (string, error) {
	if place == "" {
		return "", nil
	}
	name, isKnown := settings.locations[place]
	if !isKnown {
		return "", fmt.Errorf("the channel's settings have no location.%s", place)
	}
	if name == "" {
		return "", fmt.Errorf("location.%s names no location", place)
	}
	return name, nil
}
