package till

import (
	"bytes"
	"fmt"
	"strconv"
)

// The most bytes that wait for the next piece: a receipt of as many rows as a command has lines, of 128 bytes each.
const maxRest = 128 * 1024

// carry is what one call hands to the next.
type carry struct {
	// Rows before the rest.
	rows uint64
	// The line of names as it stands in the file; empty before the first piece.
	names    []byte
	receipts *receipts
	// The bytes from the first row on that is not done with.
	rest []byte
}

// readCarry reads what a call handed over; it fails when that is none of this plugin's.
func readCarry(data []byte) (carry, error) {
	if len(data) == 0 {
		return carry{receipts: newReceipts(nil, nil)}, nil
	}
	head, rest, _ := bytes.Cut(data, []byte("\n"))
	numbers := bytes.Split(head, []byte(" "))
	if len(numbers) != 4 {
		return carry{}, notOurs()
	}
	rows, err := strconv.ParseUint(string(numbers[0]), 10, 64)
	if err != nil {
		return carry{}, notOurs()
	}
	var parts [3][]byte
	for place, length := range numbers[1:] {
		length, err := strconv.ParseUint(string(length), 10, 31)
		if err != nil || length > uint64(len(rest)) {
			return carry{}, notOurs()
		}
		// A part ends where the next begins: what is put behind one must not run into the other.
		parts[place], rest = rest[:length:length], rest[length:]
	}
	names, old, young := parts[0], parts[1], parts[2]
	if len(old)%receiptBytes != 0 || len(young)%receiptBytes != 0 {
		return carry{}, notOurs()
	}
	return carry{rows: rows, names: names, receipts: newReceipts(old, young), rest: rest}, nil
}

// write is what to hand over; it fails when a row or receipt is longer than a till's can be.
func (c carry) write() ([]byte, error) {
	if len(c.rest) > maxRest {
		return nil, malformed("body", "", fmt.Sprintf("a row or receipt is longer than %d bytes", maxRest))
	}
	old, young := c.receipts.grown()
	head := fmt.Sprintf("%d %d %d %d\n", c.rows, len(c.names), len(old), len(young))
	return bytes.Join([][]byte{[]byte(head), c.names, old, young, c.rest}, nil), nil
}

func notOurs() error {
	return malformed("carry", "", "it is not what this plugin hands over")
}
