// Package till makes commands of a till's receipts as CSV, one row an item: sales, returns and write-offs, by the
// columns that the settings name.
//
// A file may come in pieces: rows of a receipt that is not known to be complete wait for the next piece (table.go).
// settings.go says how a till writes, row.go reads one item, receipt.go makes commands of the items of a receipt.
package till

import (
	"fmt"
	"slices"

	inbound "wit_component/tillmesh_channel_inbound"
	types "wit_component/tillmesh_channel_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// Node is who is told beside the answer.
type Node interface {
	// Warn writes a line of the log.
	Warn(line string)
	// Count adds to a counter.
	Count(name string, value uint64)
}

// Translate says what a piece means. An error is a *Refusal.
func Translate(piece types.Piece, config []wit.Tuple2[string, string], node Node) (inbound.Translation, error) {
	settings, err := readSettings(config)
	if err != nil {
		return inbound.Translation{}, err
	}
	table, err := openTable(piece, settings)
	if err != nil {
		return inbound.Translation{}, err
	}
	call := call{settings: settings, table: table, node: node}
	return call.translation()
}

// call is a piece on its way to commands.
type call struct {
	settings *settings
	table    *table
	node     Node
	commands []inbound.Command
	// The receipt to which the next row may belong.
	open *receipt
	// Where the rows begin that were passed over.
	refused []int
}

func (c *call) translation() (inbound.Translation, error) {
	for record, ok := c.table.next(); ok; record, ok = c.table.next() {
		item, refusal := readRow(record, c.settings)
		switch {
		case refusal == nil:
			c.take(item, record.start)
		case c.settings.skipsBadRows:
			c.passOver(refusal, record.start)
		default:
			return inbound.Translation{}, refusal
		}
	}
	rest := c.finish()
	c.node.Count("refused-rows", uint64(len(c.refused)))
	carry, err := c.table.carry(rest)
	return inbound.Translation{Commands: c.commands, Carry: carry}, err
}

func (c *call) take(item row, start int) {
	if c.open != nil && c.open.takes(item) {
		c.open.rows = append(c.open.rows, item)
		return
	}
	c.close()
	name := nameOf(item)
	c.open = &receipt{name: name, start: start, times: c.table.receipts.begin(name), rows: []row{item}}
}

func (c *call) passOver(refusal *Refusal, start int) {
	c.refused = append(c.refused, start)
	c.node.Warn(fmt.Sprintf("%s %s: %s", refusal.Field, quoted(refusal.Value), refusal.Rule))
}

// close makes commands of the receipt that is open, if there is one.
func (c *call) close() {
	if c.open != nil {
		c.commands = append(c.commands, c.open.commands()...)
		c.open = nil
	}
}

// finish closes the receipt that is open, or has its rows wait for the next piece; it says where the bytes begin that
// wait.
func (c *call) finish() int {
	if c.table.isLast {
		c.close()
	}
	if c.open == nil {
		return c.table.rest
	}
	c.table.receipts.takeBack(c.open.name)
	// What the next call reads again, it counts.
	c.refused = slices.DeleteFunc(c.refused, func(start int) bool { return start >= c.open.start })
	return c.open.start
}
