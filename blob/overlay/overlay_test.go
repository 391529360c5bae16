package overlay_test

import (
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/blob/overlay"
)

func TestOverlayKeepsTheContract(t *testing.T) {
	t.Parallel()
	blobtest.Run(t, func(*testing.T) blob.Bucket { return overlay.New(mem.New(), mem.New()) })
}

func TestWhatLiesBelowIsShownAndNeverChanged(t *testing.T) {
	t.Parallel()
	below := mem.New()
	for _, key := range []string{"a", "c", "e"} {
		if _, err := below.Put(t.Context(), key, []byte("below"), blob.IfAbsent()); err != nil {
			t.Fatal(err)
		}
	}
	b := overlay.New(below, mem.New())
	if _, err := b.Put(t.Context(), "a", []byte("above"), blob.IfAbsent()); err == nil {
		t.Error("an object below does not exist for a put")
	}
	object, err := b.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "a", []byte("above"), blob.IfMatch(object.Version)); err != nil {
		t.Error(err)
	}
	if _, err := b.Put(t.Context(), "b", []byte("above"), blob.IfAbsent()); err != nil {
		t.Error(err)
	}
	if err := b.Delete(t.Context(), "c"); err != nil {
		t.Error(err)
	}
	all := ""
	for info, err := range b.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		object, err := b.Get(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		all += info.Key + " " + string(object.Body) + "\n"
	}
	if want := "a above\nb above\ne below\n"; all != want {
		t.Errorf("it shows\n%swant\n%s", all, want)
	}
	for _, key := range []string{"a", "c", "e"} {
		if object, err := below.Get(t.Context(), key); err != nil || string(object.Body) != "below" {
			t.Errorf("%s below: %q, %v", key, object.Body, err)
		}
	}
	if _, err := below.Head(t.Context(), "b"); err == nil {
		t.Error("what was written lies below")
	}
}
