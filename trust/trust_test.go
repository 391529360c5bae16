package trust_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/trust"
)

func write(t *testing.T, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestClientBelievesTheAuthorityInTheFileAlone(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	get := func(file string) error {
		settings, err := trust.Client(file)
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{TLSClientConfig: settings}
		defer transport.CloseIdleConnections()
		answer, err := (&http.Client{Transport: transport}).Get(server.URL)
		if err == nil {
			answer.Body.Close()
		}
		return err
	}
	if err := get(write(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))); err != nil {
		t.Errorf("the authority in the file is not believed: %v", err)
	}
	if err := get(""); err == nil {
		t.Error("an unknown authority is believed")
	}
}

func TestFileWithoutCertificateIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := trust.Client(write(t, []byte("nothing"))); err == nil || !strings.Contains(err.Error(), "no certificate in PEM") {
		t.Errorf("error is %v", err)
	}
	if _, err := trust.Client("/nowhere"); err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("error is %v", err)
	}
}
