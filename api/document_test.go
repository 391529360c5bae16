package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
)

// tree is the OpenAPI document as plain values.
func tree(tb testing.TB) map[string]any {
	tb.Helper()
	var all map[string]any
	if err := yaml.Unmarshal([]byte(api.Document()), &all); err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestEveryRouteIsDocumentedAndNoOther(t *testing.T) {
	t.Parallel()
	var described, served []string
	for path, operations := range tree(t)["paths"].(map[string]any) {
		for method := range operations.(map[string]any) {
			if method != "parameters" {
				described = append(described, strings.ToUpper(method)+" "+path)
			}
		}
	}
	r := start(t, mem.New())
	for _, route := range r.server.Routes() {
		served = append(served, route.Method+" "+route.Path)
	}
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("documented\n%s\nserved\n%s", strings.Join(described, "\n"), strings.Join(served, "\n"))
	}
}

// schemas checks answers against the schemas of the document.
type schemas map[string]*jsonschema.Resolved

// documented are the schemas with these names.
func documented(tb testing.TB, names ...string) schemas {
	tb.Helper()
	all := schemas{}
	for _, name := range names {
		components := tree(tb)["components"].(map[string]any)["schemas"]
		text, err := json.Marshal(map[string]any{"$ref": "#/$defs/" + name, "$defs": components})
		if err != nil {
			tb.Fatal(err)
		}
		var s jsonschema.Schema
		if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "#/components/schemas/", "#/$defs/")), &s); err != nil {
			tb.Fatal(err)
		}
		if all[name], err = s.Resolve(nil); err != nil {
			tb.Fatal(err)
		}
	}
	return all
}

// check checks a JSON text against a schema.
func (s schemas) check(tb testing.TB, name, text string) {
	tb.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		tb.Fatalf("%v: %s", err, text)
	}
	if err := s[name].Validate(v); err != nil {
		tb.Errorf("no %s: %v\n%s", name, err, text)
	}
}

// call sends a request and returns status and body.
func (r *rig) call(tb testing.TB, method, path, body string, headers ...string) (int, string) {
	tb.Helper()
	request, err := http.NewRequestWithContext(tb.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	response, err := r.client.HTTP.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestAnswersAreAsDocumented(t *testing.T) {
	t.Parallel()
	as := documented(t, "Job", "Page", "Failure", "Version", "Health")
	r := start(t, mem.New())
	id := string(r.submit(t, "a").ID)
	for range 2 {
		for _, test := range []struct {
			method, path, body string
			status             int
			schema             string
		}{
			{"GET", "/v1/jobs", "", 200, "Page"},
			{"GET", "/v1/jobs?limit=1", "", 200, "Page"},
			{"GET", "/v1/jobs?limit=0", "", 400, "Failure"},
			{"GET", "/v1/jobs?after=x", "", 400, "Failure"},
			{"GET", "/v1/jobs/" + id, "", 200, "Job"},
			{"GET", "/v1/jobs/no-such-job", "", 404, "Failure"},
			{"GET", "/v1/jobs/No%20ID", "", 404, "Failure"},
			{"GET", "/v1/jobs/no-such-job/events", "", 404, "Failure"},
			{"GET", "/v1/jobs/" + id + "/events?from=-1", "", 400, "Failure"},
			{"POST", "/v1/jobs/" + id + "/cancel", "", 202, "Job"},
			{"POST", "/v1/jobs/" + id + "/cancel", `{"reason":"enough"}`, 202, "Job"},
			{"POST", "/v1/jobs/" + id + "/cancel", `{"reasons":"enough"}`, 400, "Failure"},
			{"POST", "/v1/jobs/" + id + "/cancel", `{"reason":"two\nlines"}`, 400, "Failure"},
			{"POST", "/v1/jobs/" + id + "/cancel", `{"reason":"` + strings.Repeat("x", 1<<17) + `"}`, 413, "Failure"},
			{"POST", "/v1/jobs/no-such-job/cancel", "", 404, "Failure"},
			{"POST", "/v1/jobs", "", 400, "Failure"},
			{"PUT", "/v1/jobs", "", 405, "Failure"},
			{"GET", "/v1/nothing", "", 404, "Failure"},
			{"GET", "/v1/version", "", 200, "Version"},
			{"GET", "/healthz", "", 200, "Health"},
			{"GET", "/readyz", "", 200, "Health"},
		} {
			status, body := r.call(t, test.method, test.path, test.body)
			if status != test.status {
				t.Errorf("%s %s: %d %s", test.method, test.path, status, body)
			}
			as.check(t, test.schema, body)
		}
		// Once more with a job that has got somewhere.
		step(t, r.store, job.ID(id), 0)
		step(t, r.store, job.ID(id), 1)
	}
	end(t, r.store, job.ID(id), 2, job.End{Verdict: job.Broken, Reason: "late", Remedy: "more time"})
	status, body := r.call(t, "POST", "/v1/jobs/"+id+"/cancel", "")
	if status != 409 || !strings.Contains(body, "late") {
		t.Errorf("%d %s", status, body)
	}
	as.check(t, "Failure", body)
	_, body = r.call(t, "GET", "/v1/jobs/"+id, "")
	as.check(t, "Job", body)
	_, body = r.call(t, "GET", "/v1/openapi.yaml", "")
	if body != api.Document() {
		t.Error("the document is served otherwise than it is")
	}
}

func TestSpecErrorsAreAsDocumented(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	status, body := r.call(t, "POST", "/v1/jobs", form("x.yaml", "name: 7 7\nstps: 3\n", map[string]string{spec.RoleTasks: "{}"}),
		"Content-Type", "multipart/form-data; boundary=cut")
	if status != 422 {
		t.Errorf("%d %s", status, body)
	}
	documented(t, "Failure").check(t, "Failure", body)
}

// form is a multipart body with the boundary "cut".
func form(file, yaml string, data map[string]string) string {
	var b strings.Builder
	b.WriteString("--cut\r\nContent-Disposition: form-data; name=spec; filename=\"" + file + "\"\r\n\r\n" + yaml + "\r\n")
	for _, role := range []string{spec.RoleTasks, spec.RoleEval, "other"} {
		if body, ok := data[role]; ok {
			b.WriteString("--cut\r\nContent-Disposition: form-data; name=" + role + "\r\n\r\n" + body + "\r\n")
		}
	}
	return b.String() + "--cut--\r\n"
}
