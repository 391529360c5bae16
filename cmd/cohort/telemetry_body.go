package main

import (
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cohort-rl/cohort/telemetry"
)

// plainBody is a body as JSON has it: the field names of event.proto, durations
// in nanoseconds, bytes as text or else in base64, numbers that JSON lacks as
// text.
func plainBody(body telemetry.Body) any { return plain(reflect.ValueOf(body)) }

func plain(v reflect.Value) any {
	switch v.Kind() { //nolint:exhaustive // bodies have no others
	case reflect.Struct:
		fields := make(map[string]any, v.NumField())
		for i := range v.NumField() {
			name := snake(v.Type().Field(i).Name)
			if v.Field(i).Type() == reflect.TypeFor[time.Duration]() {
				name += "_nano"
			}
			fields[name] = plain(v.Field(i))
		}
		return fields
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if utf8.Valid(v.Bytes()) {
				return string(v.Bytes())
			}
			return base64.StdEncoding.EncodeToString(v.Bytes())
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return strconv.FormatFloat(f, 'g', -1, 64)
		}
	}
	return v.Interface()
}

// snake is a Go name as event.proto writes it: LogProb is log_prob.
func snake(name string) string {
	var s strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			s.WriteByte('_')
		}
		s.WriteRune(unicode.ToLower(r))
	}
	return s.String()
}
