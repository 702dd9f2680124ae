// Package export_tillmesh_channel_inbound is what the node calls; the generator of the bindings wants this name.
package export_tillmesh_channel_inbound

import (
	"wit_component/till"
	inbound "wit_component/tillmesh_channel_inbound"
	log "wit_component/tillmesh_channel_log"
	metrics "wit_component/tillmesh_channel_metrics"
	types "wit_component/tillmesh_channel_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// Translate says what a till's file, or a piece of it, means.
func Translate(message types.Message, context types.Context) wit.Result[inbound.Translation, types.Failure] {
	translation, err := till.Translate(message.Piece, context.Config, node{})
	if err != nil {
		return wit.Err[inbound.Translation](till.FailureOf(err))
	}
	return wit.Ok[inbound.Translation, types.Failure](translation)
}

// node is told by way of the contract's imports.
type node struct{}

func (node) Warn(line string) { log.Write(log.Level_Warn, line) }

func (node) Count(name string, value uint64) { metrics.Count(name, value) }
