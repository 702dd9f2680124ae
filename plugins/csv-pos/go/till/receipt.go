package till

import (
	"fmt"

	inbound "wit_component/tillmesh_channel_inbound"
	types "wit_component/tillmesh_channel_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// The most lines of a sale that a node records. A longer receipt is several.
const maxLines = 500

// receipt has the rows that stand together under one number, at one place.
type receipt struct {
	name string
	// Where its first row begins.
	start int
	// How often the file began one of this name, this time included.
	times uint32
	rows  []row
}

// nameOf is what a receipt is called: tills begin their numbers anew, so the time of its first row belongs to it, and
// the place where the file has several.
func nameOf(row row) string {
	name := row.receipt + "@" + compact(row.at)
	if row.location != "" {
		return row.location + "/" + name
	}
	return name
}

// takes says whether a row belongs to it.
func (r *receipt) takes(row row) bool {
	first := r.rows[0]
	return len(r.rows) < maxLines && first.receipt == row.receipt && first.location == row.location
}

// commands are what it comes to: a sale, a return, and each unit that was written off.
func (r *receipt) commands() []inbound.Command {
	var sales []types.Line
	var returns []types.StockLine
	var writeOffs []inbound.Command
	for _, row := range r.rows {
		switch row.what {
		case sold, charged:
			sales = append(sales, line(row))
		case takenBack:
			returns = append(returns, types.StockLine{Sku: row.code, Quantity: row.units})
		case writtenOff:
			writeOffs = append(writeOffs, r.writeOff(row))
		}
	}
	var commands []inbound.Command
	if sales != nil {
		commands = append(commands, r.sale(sales))
	}
	if returns != nil {
		commands = append(commands, r.takeBack(returns))
	}
	return append(commands, writeOffs...)
}

// reference is its name. A node takes what comes under one reference once, so what follows under a name that was there
// before has one of its own.
func (r *receipt) reference() string {
	if r.times > 1 {
		return fmt.Sprintf("%s#%d", r.name, r.times)
	}
	return r.name
}

func (r *receipt) sale(lines []types.Line) inbound.Command {
	first := r.rows[0]
	return inbound.MakeCommandRecordSale(inbound.RecordSale{
		Reference:   r.reference(),
		Lines:       lines,
		CustomerRef: option(first.customer),
		Currency:    first.unitPrice.Currency,
		SoldAt:      first.at,
		Location:    option(first.location),
	})
}

func (r *receipt) takeBack(lines []types.StockLine) inbound.Command {
	first := r.rows[0]
	return inbound.MakeCommandRecordReturn(inbound.RecordReturn{
		Reference:  r.reference(),
		Order:      wit.None[string](),
		Lines:      lines,
		ReturnedAt: first.at,
		Location:   option(first.location),
	})
}

func (r *receipt) writeOff(row row) inbound.Command {
	return inbound.MakeCommandAdjustStock(inbound.AdjustStock{
		Reference:  r.reference(),
		Sku:        row.code,
		Change:     -int64(row.units),
		Reason:     wit.None[string](),
		AdjustedAt: row.at,
		Location:   option(row.location),
	})
}

func line(row row) types.Line {
	content := types.MakeLineContentSku(row.code)
	if row.what == charged {
		content = types.MakeLineContentCharge(row.code)
	}
	price := wit.Some(row.unitPrice)
	return types.Line{Content: content, Quantity: row.units, UnitPrice: price, Amount: wit.None[types.Money]()}
}

// option is nothing where a text is empty.
func option(text string) wit.Option[string] {
	if text == "" {
		return wit.None[string]()
	}
	return wit.Some(text)
}
