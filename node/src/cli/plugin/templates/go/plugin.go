// Package export_tillmesh_channel_inbound tells what a channel has of its articles, one `SKU=COUNT` a line.
package export_tillmesh_channel_inbound

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	inbound "wit_component/tillmesh_channel_inbound"
	log "wit_component/tillmesh_channel_log"
	types "wit_component/tillmesh_channel_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// Fifteen digits at most, as many as every language reads exactly.
var count = regexp.MustCompile(`^-?[0-9]{1,15}$`)

// Translate is what the node calls.
func Translate(message types.Message, _ types.Context) wit.Result[inbound.Translation, types.Failure] {
	commands, refused := commandsOf(message.Piece.Bytes, message.ReceivedAt)
	if refused != nil {
		return wit.Err[inbound.Translation](types.MakeFailureMalformed(*refused))
	}
	log.Write(log.Level_Info, fmt.Sprintf("%d articles", len(commands)))
	return wit.Ok[inbound.Translation, types.Failure](inbound.Translation{Commands: commands})
}

func commandsOf(body []byte, asOf int64) ([]inbound.Command, *types.Detail) {
	if !utf8.Valid(body) {
		return nil, &types.Detail{Rule: "it must be UTF-8"}
	}
	var commands []inbound.Command
	for line := range strings.SplitSeq(string(body), "\n") {
		if line == "" {
			continue
		}
		sku, number, _ := strings.Cut(line, "=")
		if !count.MatchString(number) {
			return nil, &types.Detail{Field: sku, Value: number, Rule: "it must be a whole number, as in SKU=12"}
		}
		// Fifteen digits always fit.
		available, _ := strconv.ParseInt(number, 10, 64)
		command := inbound.SetAvailable{Sku: sku, Available: available, AsOf: asOf, Location: wit.None[string]()}
		commands = append(commands, inbound.MakeCommandSetAvailable(command))
	}
	return commands, nil
}
