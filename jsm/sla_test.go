package jsm

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

const slaAnswer = `{"id":"10","name":"Time to resolution","completedCycles":[
		{"startTime":{"epochMillis":1764000000000},"stopTime":{"epochMillis":1764003600000},"breachTime":{"epochMillis":1764007200000},"breached":false,"goalDuration":{"millis":7200000},"elapsedTime":{"millis":3600000},"remainingTime":{"millis":3600000}}],
		"ongoingCycle":{"startTime":{"epochMillis":1764010000000},"breachTime":{"epochMillis":1764017200000},"breached":false,"paused":false,"withinCalendarHours":true,"goalDuration":{"millis":7200000},"elapsedTime":{"millis":1000},"remainingTime":{"millis":7199000}}}`

func TestSLA(t *testing.T) {
	c, _ := jira(t, map[string]any{"GET /rest/servicedeskapi/request/1/sla": `{"isLastPage":true,"values":[` + slaAnswer + `]}`})
	list, err := c.SLAs(t.Context(), "1")
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	at := func(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
	want := SLA{ID: "10", Name: "Time to resolution",
		Done:    []Cycle{{Start: at(1764000000000), Stop: at(1764003600000), Goal: 2 * time.Hour, Elapsed: time.Hour, Breach: at(1764007200000)}},
		Running: &Cycle{Start: at(1764010000000), Goal: 2 * time.Hour, Breach: at(1764017200000)},
	}
	if !reflect.DeepEqual(list[0], want) {
		t.Errorf("%+v %+v", list[0], list[0].Running)
	}
}

func TestAnSLADoesNotTick(t *testing.T) {
	first, err := DecodeSLA(Raw(slaAnswer))
	if err != nil {
		t.Fatal(err)
	}
	later := strings.NewReplacer(`"millis":1000}`, `"millis":5000}`, `"millis":7199000`, `"millis":-7195000`, `"withinCalendarHours":true`, `"withinCalendarHours":false`).Replace(slaAnswer)
	if second, err := DecodeSLA(Raw(later)); err != nil || later == slaAnswer || !reflect.DeepEqual(first, second) {
		t.Errorf("%+v, %v", second.Running, err)
	}
	paused := strings.Replace(slaAnswer, `"paused":false`, `"paused":true`, 1)
	one, err := DecodeSLA(Raw(paused))
	if err != nil || !one.Running.Paused || !one.Running.Breach.IsZero() {
		t.Errorf("a pause puts the breach off at each moment: %+v, %v", one.Running, err)
	}
	breached := strings.Replace(paused, `"breached":false,"paused"`, `"breached":true,"paused"`, 1)
	if one, err := DecodeSLA(Raw(breached)); err != nil || !one.Running.Breached || one.Running.Breach.IsZero() {
		t.Errorf("%+v, %v", one.Running, err)
	}
	for _, bad := range []string{`[]`, `{}`, `{"id":"1","ongoingCycle":[]}`} {
		if got, err := DecodeSLA(Raw(bad)); err == nil {
			t.Errorf("%s: %+v", bad, got)
		}
	}
	if got, err := DecodeSLA(Raw(`{"id":"1","ongoingCycle":{"goalDuration":{"millis":9223372036854775807},"startTime":{"epochMillis":9223372036854775807}}}`)); err != nil || got.Running.Goal != 0 || !got.Running.Start.IsZero() {
		t.Errorf("%+v, %v", got.Running, err)
	}
}
