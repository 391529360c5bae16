package job_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/job"
)

func TestAnswersSettleARollout(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		answers []job.Answer
		most    int
		want    job.Ruling
		counts  job.Attempts
	}{
		{"an answer settles at once", []job.Answer{job.Answered}, 3, job.Ruling{Settled: true}, job.Attempts{Executions: 1}},
		{
			"an answer after failures is no failure",
			[]job.Answer{job.Refused, job.Overdue, job.Answered},
			3,
			job.Ruling{Settled: true},
			job.Attempts{Failures: 2, Executions: 3},
		},
		{"failures below the spec's attempts", []job.Answer{job.Refused, job.Refused}, 3, job.Ruling{Reason: job.AgentError}, job.Attempts{Failures: 2, Executions: 2}},
		{
			"the last failure names the fate",
			[]job.Answer{job.Overdue, job.Overdue, job.Refused},
			3,
			job.Ruling{Settled: true, Reason: job.AgentError},
			job.Attempts{Failures: 3, Executions: 3},
		},
		{"too slow", []job.Answer{job.Refused, job.Overdue}, 2, job.Ruling{Settled: true, Reason: job.AgentTimeout}, job.Attempts{Failures: 2, Executions: 2}},
		{"one attempt", []job.Answer{job.Refused}, 1, job.Ruling{Settled: true, Reason: job.AgentError}, job.Attempts{Failures: 1, Executions: 1}},
		{
			"breaks while healthy",
			[]job.Answer{job.BrokeHealthy, job.Weather, job.BrokeHealthy},
			2,
			job.Ruling{Settled: true, Reason: job.AgentCrashed},
			job.Attempts{Breaks: 2, Executions: 3},
		},
		{
			"breaks and failures are counted apart",
			[]job.Answer{job.BrokeHealthy, job.Refused},
			2,
			job.Ruling{Reason: job.AgentError},
			job.Attempts{Failures: 1, Breaks: 1, Executions: 2},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var a job.Attempts
			var ruling job.Ruling
			for i, answer := range c.answers {
				if ruling.Settled {
					t.Fatalf("settled before answer %d", i)
				}
				a, ruling = a.Rule(answer, c.most)
			}
			if ruling.Settled != c.want.Settled || ruling.Settled && ruling.Reason != c.want.Reason || a != c.counts {
				t.Errorf("ruling %+v, counts %+v; want %+v, %+v", ruling, a, c.want, c.counts)
			}
		})
	}
}

func TestWeatherIsNeverAFate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 10).Draw(t, "most")
		a := job.Attempts{Failures: most - 1, Breaks: most - 1}
		for range rapid.IntRange(1, 50).Draw(t, "weather") {
			var ruling job.Ruling
			if a, ruling = a.Rule(job.Weather, most); ruling.Settled {
				t.Fatal("weather settled a rollout")
			}
		}
	})
}
