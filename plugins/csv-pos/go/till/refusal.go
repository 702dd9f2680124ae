package till

import (
	"errors"

	types "wit_component/tillmesh_channel_types"
)

// Values are shown to find the place, not to keep the message: the message itself is kept beside the failure.
const maxValue = 80

// Refusal says why nothing is made of a row or of a message: which field, which value, which rule.
type Refusal struct {
	Field, Value, Rule string
	// Whether a setting is wrong rather than the file.
	ofSettings bool
}

func malformed(field, value, rule string) *Refusal {
	return &Refusal{Field: field, Value: value, Rule: rule}
}

func rejected(field, value, rule string) *Refusal {
	return &Refusal{Field: field, Value: value, Rule: rule, ofSettings: true}
}

func (r *Refusal) Error() string {
	return r.Field + " " + quoted(r.Value) + ": " + r.Rule
}

// FailureOf is what the node is told of an error: a rule that was broken.
func FailureOf(err error) types.Failure {
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		return types.MakeFailureMalformed(types.Detail{Rule: err.Error()})
	}
	detail := types.Detail{Field: refusal.Field, Value: shortened(refusal.Value), Rule: refusal.Rule}
	if refusal.ofSettings {
		return types.MakeFailureRejected(detail)
	}
	return types.MakeFailureMalformed(detail)
}

func shortened(value string) string {
	runes := 0
	for at := range value {
		if runes == maxValue {
			return value[:at]
		}
		runes++
	}
	return value
}
