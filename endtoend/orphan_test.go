package endtoend_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/endtoend/programs"
)

func TestAgentEndsWithTheDemoThatWasKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := launch(t, "cohort", nil, "demo", "--dir", dir, "--steps", "1000", "--held-out", "20")
	if err := programs.AwaitEntry(t.Context(), dir, 0); err != nil {
		t.Fatal(err)
	}
	if err := p.kill(); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(filepath.Join(dir, "agent.addr"))
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(string(body))
	await(t, 30*time.Second, func(ctx context.Context) (bool, string) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return true, ""
		}
		conn.Close()
		return false, fmt.Sprintf("the agent still listens at %s", address)
	})
}
