package till

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	inbound "wit_component/tillmesh_channel_inbound"
	types "wit_component/tillmesh_channel_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// A till's file. The samples are written by hand.

const (
	head = "receipt,sku,quantity,unit_price,sold_at\n"
	at   = "2026-11-27 15:30:02"
)

type config = map[string]string

var usual = config{"currency": "EUR", "utc-offset": "+01:00", "charges": "DEPOSIT"}

func with(more config) config {
	all := config{}
	for _, settings := range []config{usual, more} {
		for key, value := range settings {
			all[key] = value
		}
	}
	return all
}

// told keeps what the node is told.
type told struct {
	lines   []string
	refused uint64
}

func (t *told) Warn(line string)            { t.lines = append(t.lines, line) }
func (t *told) Count(_ string, more uint64) { t.refused += more }

func play(piece types.Piece, config config, node *told) (inbound.Translation, error) {
	var pairs []wit.Tuple2[string, string]
	for key, value := range config {
		pairs = append(pairs, wit.Tuple2[string, string]{F0: key, F1: value})
	}
	return Translate(piece, pairs, node)
}

func translate(t *testing.T, body string, config config) []inbound.Command {
	t.Helper()
	translation, err := play(types.Piece{Last: true, Bytes: []byte(body)}, config, &told{})
	if err != nil {
		t.Fatal(err)
	}
	return translation.Commands
}

func refusalOf(t *testing.T, body string, config config) *Refusal {
	t.Helper()
	_, err := play(types.Piece{Last: true, Bytes: []byte(body)}, config, &told{})
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("%q was taken", body)
	}
	return refusal
}

func inPieces(t *testing.T, body string, length int) []inbound.Command {
	t.Helper()
	var commands []inbound.Command
	var carry []byte
	for start := 0; start < len(body); start += length {
		end := min(start+length, len(body))
		piece := types.Piece{Offset: uint64(start), Last: end == len(body), Bytes: []byte(body[start:end]), Carry: carry}
		translation, err := play(piece, usual, &told{})
		if err != nil {
			t.Fatal(err)
		}
		commands, carry = append(commands, translation.Commands...), translation.Carry
	}
	return commands
}

func sales(commands []inbound.Command) []string {
	var sales []string
	for _, command := range commands {
		sale := command.RecordSale()
		sales = append(sales, fmt.Sprintf("%s: %d", sale.Reference, len(sale.Lines)))
	}
	return sales
}

func sample(t *testing.T) string {
	t.Helper()
	body, err := os.ReadFile("../fixtures/receipts.csv")
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func expect[T any](t *testing.T, found, expected T) {
	t.Helper()
	if !reflect.DeepEqual(found, expected) {
		t.Errorf("found %v, expected %v", found, expected)
	}
}

func TestRowsOfOneReceiptAreOneSale(t *testing.T) {
	commands := translate(t, sample(t), usual)
	first, back := commands[0].RecordSale(), commands[2].RecordReturn()
	expect(t, first.Reference, "1001@20261127T143002Z")
	expect(t, first.SoldAt, int64(1_795_789_802_000_000))
	expect(t, first.Lines[0].Content, types.MakeLineContentSku("APPLE, RED"))
	expect(t, first.Lines[2].Content, types.MakeLineContentCharge("DEPOSIT"))
	expect(t, back.Order.IsNone(), true)
	expect(t, back.Lines, []types.StockLine{{Sku: "APPLE, RED", Quantity: 1}})
}

func TestPiecesOfAnyLengthComeToWhatTheWholeDoes(t *testing.T) {
	body := sample(t)
	whole := translate(t, body, usual)
	for _, body := range []string{body, strings.ReplaceAll(body, "\n", "\r\n")} {
		for length := 60; length <= len(body); length++ {
			expect(t, inPieces(t, body, length), whole)
		}
	}
}

func TestAReceiptOfMoreRowsThanACommandTakesIsSeveralHoweverItComes(t *testing.T) {
	var body strings.Builder
	body.WriteString(head)
	for row := range 1_250 {
		fmt.Fprintf(&body, "9,SKU-%d,1,0.50,%s\n", row, at)
	}
	whole := translate(t, body.String(), usual)
	name := "9@20261127T143002Z"
	expect(t, sales(whole), []string{name + ": 500", name + "#2: 500", name + "#3: 250"})
	expect(t, inPieces(t, body.String(), 7_919), whole)
}

func TestAReceiptThatComesBackAfterOthersIsASaleOfItsOwn(t *testing.T) {
	body := head
	for _, row := range []string{"1,TEA", "2,TEA", "1,POT", "1,CUP"} {
		body += row + ",1,1.00," + at + "\n"
	}
	whole := translate(t, body, usual)
	expect(t, sales(whole), []string{"1@20261127T143002Z: 1", "2@20261127T143002Z: 1", "1@20261127T143002Z#2: 2"})
	for length := 60; length <= len(body); length++ {
		expect(t, inPieces(t, body, length), whole)
	}
}

func TestReceiptsAreRememberedUntilAGenerationHasPassed(t *testing.T) {
	receipts := newReceipts(nil, nil)
	for number := range generation + 1 {
		receipts.begin(fmt.Sprint(number))
	}
	old, young := receipts.grown()
	expect(t, []int{old.count(), young.count()}, []int{generation + 1, 0})
	expect(t, newReceipts(old, young).begin("7"), 2)
	expect(t, newReceipts(old, young).begin("new"), 1)
}

func TestWhatIsNegativeOnNoReturnIsWrittenOffWhereReturnsHaveAPrefix(t *testing.T) {
	rows := "C7,TEA,-2,1.00," + at + "\n8,TEA,-3,0," + at + "\n"
	commands := translate(t, head+rows, with(config{"return-prefix": "C"}))
	expect(t, commands[0].RecordReturn().Lines[0].Quantity, 2)
	expect(t, commands[1].AdjustStock().Change, -3)
}

func TestAmountsAreKeptToTheLastDigit(t *testing.T) {
	commands := translate(t, head+"1,TEA,1,999999.999999999,"+at+"\n", usual)
	price := commands[0].RecordSale().Lines[0].UnitPrice.Some()
	expect(t, price.Amount, int64(999_999_999_999_999))
	expect(t, price.Scale.Some(), 9)
}

func TestARowThatCannotBeReadNamesItsFieldValueAndRule(t *testing.T) {
	for _, wrong := range []struct{ row, field, value, rule string }{
		{"1,TEA,0,1.00," + at, "quantity", "0", "it must not be 0"},
		{"1,TEA,1.5,1.00," + at, "quantity", "1.5", "it must be a whole number of base units"},
		{"1,TEA,1,-1.00," + at, "unit_price", "-1.00", "it must not be negative"},
		{"1,TEA,1,1000000000000000.1," + at, "unit_price", "1000000000000000.1", "it is too large"},
		{"1,TEA,1,1.00,1969-12-31 12:00", "sold_at", "1969-12-31 12:00", errNoTime.Error()},
		{",TEA,1,1.00," + at, "receipt", "", "it must not be empty"},
		{"1,TEA,1,1.00", "fields", "", "it has 4 fields, the line of names has 5"},
		{"1,TEA,1,1.00,2026-02-29", "sold_at", "2026-02-29", "it must be a time such as 2026-11-28 17:05:00"},
	} {
		found := refusalOf(t, head+"1,TEA,1,1.00,"+at+"\n"+wrong.row+"\n", usual)
		expect(t, *found, *malformed("row 2, "+wrong.field, wrong.value, wrong.rule))
	}
}

func TestSettingsThatSayNothingSensibleAreRejectedByName(t *testing.T) {
	for key, value := range (config{"delimiter": "||", "currency": "euro", "utc-offset": "+25:00", "bad-rows": "x"}) {
		found := refusalOf(t, sample(t), with(config{key: value}))
		expect(t, []any{found.Field, found.Value, found.ofSettings}, []any{key, value, true})
	}
}

func TestWhatIsCarriedOverBySomebodyElseIsRefused(t *testing.T) {
	for _, carry := range []string{"x", "1 2", "1 99 0 0\nab", "-1 0 0 0\n", "1 0 9 0\n", "1 0 0 11\n12345678901"} {
		_, err := play(types.Piece{Offset: 10, Last: true, Carry: []byte(carry)}, usual, &told{})
		expect(t, err, notOurs())
	}
}

func TestARowWithoutEndIsRefusedBeforeItFillsTheMemory(t *testing.T) {
	body := head + `1,"` + strings.Repeat("x", 200*1024)
	_, err := play(types.Piece{Bytes: []byte(body)}, usual, &told{})
	if err == nil || !strings.Contains(err.Error(), "is longer than") {
		t.Error(err)
	}
}

func TestRowsThatCannotBeReadAreLoggedAndCountedWhereTheSettingsSaySo(t *testing.T) {
	body := head + "1,TEA,1,1.00," + at + "\n1,T,0,1.00," + at + "\nx,y\n1,POT,1,9.00," + at + "\n"
	node := &told{}
	made, err := play(types.Piece{Last: true, Bytes: []byte(body)}, with(config{"bad-rows": "skip"}), node)
	expect(t, err, nil)
	expect(t, sales(made.Commands), []string{"1@20261127T143002Z: 2"})
	lines := []string{
		`row 2, quantity "0": it must not be 0`,
		`row 3, fields "": it has 2 fields, the line of names has 5`,
	}
	expect(t, *node, told{lines: lines, refused: 2})
}

func TestNothingThatStrangersSendMakesItPanic(t *testing.T) {
	body := sample(t)
	chance := rand.New(rand.NewPCG(1, 1))
	odd := []byte("\",\r\n.-+0Z\xc3\xff\x00")
	for range 10_000 {
		mutant := []byte(body)
		for range chance.IntN(8) + 1 {
			mutant[chance.IntN(len(mutant))] = odd[chance.IntN(len(odd))]
		}
		half := len(mutant) / 2
		first, err := play(types.Piece{Bytes: slices.Clone(mutant[:half])}, usual, &told{})
		if err != nil {
			continue
		}
		// What it comes to is not the question.
		_, _ = play(types.Piece{Offset: uint64(half), Last: true, Bytes: mutant[half:], Carry: first.Carry}, usual, &told{})
	}
}
