package till

import (
	"bytes"
	"fmt"

	types "wit_component/tillmesh_channel_types"
)

// What the names of columns may have around them.
const whiteSpace = "\t\n\f\r "

// Of a column that is not read.
const nowhere = -1

// table has the rows of a piece, behind those that the last call left.
type table struct {
	// The line of names as it stands in the file.
	names    []byte
	reader   *reader
	places   places
	receipts *receipts
	isLast   bool
	// Rows of the file before those that this call reads.
	rowsBefore uint64
	// Where each row that was read begins.
	starts []int
	// Where the bytes begin that are no complete row yet.
	rest int
}

// places are which field each column is, and how many there are.
type places struct {
	receipt, sku, quantity, unitPrice, time, customer, location, width int
}

// record is one row.
type record struct {
	fields [][]byte
	// The rule that its quotation marks break; none where it is empty.
	broken string
	places places
	// Its number in the file, from 1.
	number uint64
	// Where it begins in the bytes of this call.
	start int
}

// openTable fails when the line of names lacks a column or what was carried is none of this plugin's.
func openTable(piece types.Piece, settings *settings) (*table, error) {
	carried, err := readCarry(piece.Carry)
	if err != nil {
		return nil, err
	}
	names, body := carried.names, append(carried.rest, piece.Bytes...)
	if len(names) == 0 {
		if names, body, err = splitNames(bytes.TrimPrefix(body, byteOrderMark), settings.delimiter, piece.Last); err != nil {
			return nil, err
		}
	}
	places, err := placesOf(newReader(names, settings.delimiter).next(), settings.columns)
	if err != nil {
		return nil, err
	}
	return &table{
		names:      names,
		reader:     newReader(body, settings.delimiter),
		places:     places,
		receipts:   carried.receipts,
		isLast:     piece.Last,
		rowsBefore: carried.rows,
	}, nil
}

// next gives the next row that is known to be complete.
func (t *table) next() (record, bool) {
	start := t.rest
	fields := t.reader.next()
	end := t.reader.position
	if fields == nil {
		t.rest = end
		return record{}, false
	}
	// A row that ends where the piece does may go on in the next one.
	if !t.isLast && end == len(t.reader.body) {
		return record{}, false
	}
	broken := t.reader.broken
	if broken != "" {
		t.reader.endWithLine(start)
	}
	t.starts = append(t.starts, start)
	t.rest = t.reader.position
	number := t.rowsBefore + uint64(len(t.starts))
	return record{fields: fields, broken: broken, places: t.places, number: number, start: start}, true
}

// carry is what the next call needs, the rows from a place on not being done with. It fails when that is more than a
// till's row or receipt can be.
func (t *table) carry(from int) ([]byte, error) {
	if t.isLast {
		return nil, nil
	}
	done := t.rowsBefore
	for _, start := range t.starts {
		if start < from {
			done++
		}
	}
	return carry{rows: done, names: t.names, receipts: t.receipts, rest: t.reader.body[from:]}.write()
}

// describe says which row it is, for people.
func (r record) describe() string { return fmt.Sprintf("row %d", r.number) }

// splitNames takes the line of names, which must be whole, off what follows: the first piece is longer than it.
func splitNames(body []byte, delimiter byte, isLast bool) (names, rows []byte, err error) {
	reader := newReader(body, delimiter)
	if reader.next() == nil || reader.broken != "" || (!isLast && reader.position == len(body)) {
		return nil, nil, noNames()
	}
	return body[:reader.position], body[reader.position:], nil
}

func noNames() error {
	return malformed("body", "", "it must begin with a line of column names")
}

func placesOf(names [][]byte, columns columns) (places, error) {
	if names == nil {
		return places{}, noNames()
	}
	places := places{width: len(names)}
	for _, column := range []struct {
		name  string
		place *int
	}{
		{columns.receipt, &places.receipt},
		{columns.sku, &places.sku},
		{columns.quantity, &places.quantity},
		{columns.unitPrice, &places.unitPrice},
		{columns.time, &places.time},
		{columns.customer, &places.customer},
		{columns.location, &places.location},
	} {
		place, err := placeOf(column.name, names)
		if err != nil {
			return places, err
		}
		*column.place = place
	}
	return places, nil
}

func placeOf(column string, names [][]byte) (int, error) {
	if column == "" {
		return nowhere, nil
	}
	found := nowhere
	for place, name := range names {
		if string(bytes.Trim(name, whiteSpace)) != column {
			continue
		}
		if found != nowhere {
			return nowhere, malformed("columns", column, "the line of names has it twice")
		}
		found = place
	}
	if found == nowhere {
		return nowhere, malformed("columns", column, "the line of names has no such column")
	}
	return found, nil
}
