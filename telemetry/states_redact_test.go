package telemetry_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/redact"
	"github.com/cohort-rl/cohort/telemetry/state"
)

// T3, T8: what lies under the name of a secret reaches neither a state nor the
// differences from it, and numbers keep their digits.
func TestStatesAreRecordedWithoutSecrets(t *testing.T) {
	t.Parallel()
	var kept telemetry.Memory
	thread := telemetry.NewThread(&kept, "t")
	for n := range 3 {
		state := map[string]any{"step": n, "id": int64(9007199254740993), "login": map[string]any{"user": "a", "password": strings.Repeat("hunter2", n+1)}}
		if err := thread.State(t.Context(), "memory", state); err != nil {
			t.Fatal(err)
		}
	}
	var all strings.Builder
	for _, e := range kept.Events() {
		all.Write(e.Body.(telemetry.State).Document)
	}
	if got := all.String(); strings.Contains(got, "hunter2") || !strings.Contains(got, "9007199254740993") || !strings.Contains(got, `"password":"[redacted]"`) {
		t.Errorf("recorded are %s", got)
	}
}

// T3, T8: a state that was made elsewhere comes in by no way with a secret.
func TestStateGivenStraightIsRefusedWithASecret(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, func(c *telemetry.Config) { c.Redact.Keys = []string{"pin"} })
	memory := &telemetry.Memory{Redact: redact.Redactor{Keys: []string{"pin"}}}
	ways := map[string]func(s telemetry.State) error{
		"Admit": func(s telemetry.State) error {
			return p.Admit(t.Context(), telemetry.Event{Thread: "t", Time: noon(), Name: "memory", Body: s})
		},
		"Record": func(s telemetry.State) error { return telemetry.NewThread(p, "u").Record(t.Context(), "memory", s) },
		"Record in memory": func(s telemetry.State) error {
			return telemetry.NewThread(memory, "v").Record(t.Context(), "memory", s)
		},
	}
	for document, secret := range map[string]bool{
		`{"user":"a","pin":"[redacted]"}`:                             false,
		`{"user":"a","password":"is no key here"}`:                    false,
		`{"user":"a","pin":"1234"}`:                                   true,
		`{"deep":[{"card_pin":["1234"]}]}`:                            true,
		`{"pin":"1234","pin":"[redacted]"}`:                           true,
		`{"note":"pin=1234"}`:                                         true,
		`pin: 1234`:                                                   true,
		`[{"op":"replace","path":"/pin","value":"1234"}]`:             true,
		`[{"op":"add","path":"/cards/pin/0","value":1234}]`:           true,
		`[{"op":"replace","path":"/pin","value":"[redacted]"}]`:       false,
		`[{"op":"replace","path":"/user","value":"b"}]`:               false,
		`[{"op":"remove","path":"/pin"}]`:                             false,
		`[{"op":"add","path":"/login","value":{"card pin":"12 34"}}]`: true,
	} {
		s := telemetry.State{Kind: state.Full, Reason: state.First, Document: []byte(document), SHA256: make([]byte, 32), Version: 1}
		for name, way := range ways {
			err := way(s)
			if secret && !errors.Is(err, telemetry.ErrInvalidEvent) || !secret && err != nil {
				t.Errorf("%s of %s: %v", name, document, err)
			}
			if err != nil && strings.Contains(err.Error(), "12") {
				t.Errorf("the error tells the secret: %v", err)
			}
		}
	}
	mustClose(t, p)
	for _, m := range b.readAll(t)[0] {
		if s, ok := m.event.Body.(telemetry.State); ok && strings.Contains(string(s.Document), "12") {
			t.Errorf("the log holds %s", s.Document)
		}
	}
}
