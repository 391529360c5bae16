package serving_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/serving"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answering runs a server of handle; the channel gets what Run returned.
func answering(t *testing.T, drain time.Duration, handle http.HandlerFunc) (address string, stop func(), ended <-chan error) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	done := make(chan error, 1)
	go func() {
		done <- serving.Run(ctx, &http.Server{Handler: handle, ReadHeaderTimeout: time.Minute}, l, drain)
	}()
	return "http://" + l.Addr().String(), cancel, done
}

// get asks and returns the status, or the error of the connection.
func get(t *testing.T, address string) <-chan any {
	t.Helper()
	said := make(chan any, 1)
	go func() {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Get(address)
		if err != nil {
			said <- err
			return
		}
		response.Body.Close()
		said <- response.StatusCode
	}()
	return said
}

func TestRequestUnderWayIsAnsweredBeforeTheServerStops(t *testing.T) {
	t.Parallel()
	began, proceed := make(chan struct{}), make(chan struct{})
	address, stop, ended := answering(t, time.Minute, func(http.ResponseWriter, *http.Request) {
		close(began)
		<-proceed
	})
	said := get(t, address)
	<-began
	stop()
	close(proceed)
	if status := <-said; status != http.StatusOK {
		t.Errorf("the answer is %v", status)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRequestThatOutlastsTheDrainIsCutOff(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	address, stop, ended := answering(t, time.Millisecond, func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
	})
	said := get(t, address)
	<-began
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, cut := (<-said).(error); !cut {
		t.Error("the request was answered")
	}
}

func TestBrokenListenerIsAnError(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := serving.Run(t.Context(), &http.Server{ReadHeaderTimeout: time.Minute}, l, time.Minute); err == nil {
		t.Error("Run returned nil")
	}
}
