package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/api"
)

func TestClientPrintsNoToken(t *testing.T) {
	t.Parallel()
	c, err := api.NewClient("https://cohort.internal:7070", api.Access{Token: "hunter2-hunter2-hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%+v", *c)} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("%s tells the token", text)
		}
	}
}
