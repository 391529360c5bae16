//go:build services

package integration_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// wallClock is the clock of one running process, of whatever language.
type wallClock struct {
	pid    int
	before map[int64][]byte // what was in its memory
}

// setBack sets the wall clock of a process back, and no other's: in its own copy
// of the code by which Linux tells the time, the answer is made smaller.
func setBack(t *testing.T, pid int, by time.Duration) *wallClock {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("the clock of a process is changed in the machine code of amd64 alone")
	}
	seconds := binary.LittleEndian.AppendUint32(nil, uint32(by/time.Second)) //nolint:gosec // hours
	code := func(before string, after ...byte) []byte { return append(append([]byte(before), seconds...), after...) }
	w := &wallClock{pid: pid, before: map[int64][]byte{}}
	start, functions := w.functions(t)
	w.halted(t, func(memory *os.File) {
		for name, replaced := range map[string][]byte{
			// eax = clock_gettime; syscall; if edi == CLOCK_REALTIME { [rsi] -= seconds }; ret
			"__vdso_clock_gettime": code("\xb8\xe4\x00\x00\x00\x0f\x05\x85\xff\x75\x07\x48\x81\x2e", 0xc3),
			// eax = gettimeofday; syscall; [rdi] -= seconds; ret
			"__vdso_gettimeofday": code("\xb8\x60\x00\x00\x00\x0f\x05\x48\x81\x2f", 0xc3),
			// eax = time; syscall; rax -= seconds; if rdi != 0 { [rdi] = rax }; ret
			"__vdso_time": code("\xb8\xc9\x00\x00\x00\x0f\x05\x48\x2d", 0x48, 0x85, 0xff, 0x74, 0x03, 0x48, 0x89, 0x07, 0xc3),
		} {
			f, ok := functions[name]
			if !ok || f.Size < uint64(len(replaced)) {
				t.Fatalf("Linux has no %s of %d bytes here", name, len(replaced))
			}
			at := start + int64(f.Value) //nolint:gosec // within some pages
			before := make([]byte, len(replaced))
			if _, err := memory.ReadAt(before, at); err != nil {
				t.Fatal(err)
			}
			if _, err := memory.WriteAt(replaced, at); err != nil {
				t.Fatal(err)
			}
			w.before[at] = before
		}
	})
	return w
}

// setRight undoes setBack.
func (w *wallClock) setRight(t *testing.T) {
	t.Helper()
	w.halted(t, func(memory *os.File) {
		for at, code := range w.before {
			if _, err := memory.WriteAt(code, at); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// halted stops the process while its memory is changed.
func (w *wallClock) halted(t *testing.T, change func(memory *os.File)) {
	t.Helper()
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", w.pid), os.O_RDWR, 0)
	if err != nil {
		t.Skipf("this machine lets nobody change another process's memory: %v", err)
	}
	defer memory.Close()
	if err := syscall.Kill(w.pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Kill(w.pid, syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	}()
	change(memory)
}

// functions are those that Linux lends to the process, which begin at start.
func (w *wallClock) functions(t *testing.T) (start int64, functions map[string]elf.Symbol) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", w.pid))
	if err != nil {
		t.Fatal(err)
	}
	var end int64
	for line := range strings.Lines(string(maps)) {
		if strings.HasSuffix(strings.TrimSpace(line), "[vdso]") {
			if _, err := fmt.Sscanf(line, "%x-%x", &start, &end); err != nil {
				t.Fatal(err)
			}
		}
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", w.pid))
	if err != nil {
		t.Skipf("this machine lets nobody read another process's memory: %v", err)
	}
	defer memory.Close()
	image, err := io.ReadAll(io.NewSectionReader(memory, start, end-start))
	if err != nil {
		t.Fatal(err)
	}
	file, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := file.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	functions = map[string]elf.Symbol{}
	for _, s := range symbols {
		functions[s.Name] = s
	}
	return start, functions
}

// A process's wall clock goes back an hour in the middle of a job. A server that
// asks for the time of requests refuses them, which is waited out and said; no
// other clock matters. The job comes to the same checkpoint.
func TestJobOutlivesAClockThatIsSetBackAnHour(t *testing.T) {
	t.Parallel()
	want := demo(t, weatherSteps)
	clocks := func(t *testing.T, pids ...int) (back, right func()) {
		t.Helper()
		var set []*wallClock
		return func() {
				for _, pid := range pids {
					set = append(set, setBack(t, pid, time.Hour))
				}
			}, func() {
				for _, clock := range set {
					clock.setRight(t)
				}
			}
	}
	t.Run("the coordinator's", func(t *testing.T) {
		r := begin(t, realServices(t), 2, weatherSteps)
		back, right := clocks(t, r.coordinator.cmd.Process.Pid)
		r.lacks(t, back, "set this machine's clock", right)
		r.ends(t, want)
	})
	t.Run("the workers'", func(t *testing.T) {
		r := begin(t, realServices(t), 2, weatherSteps)
		back, right := clocks(t, r.workers[0].cmd.Process.Pid, r.workers[1].cmd.Process.Pid)
		r.reaches(t, weatherSteps/4)
		back()
		r.anySays(t, "set this machine's clock")
		wait(t, weather())
		right()
		r.ends(t, want)
	})
	t.Run("the servers'", func(t *testing.T) {
		if !losses() {
			t.Skip("it starts services of its own: use -losses")
		}
		s := ownServices(t)
		r := begin(t, s, 2, weatherSteps)
		data := folder(s["SERVICES_DATA"])
		back, _ := clocks(t, data.pid(t, "redis"), data.pid(t, "kafka"))
		store, right := clocks(t, data.pid(t, "minio"))
		r.reaches(t, weatherSteps/4)
		back()
		r.reaches(t, weatherSteps/2) // with those of Redis and Kafka
		store()
		r.coordinator.says(t, "set this machine's clock")
		wait(t, weather())
		right()
		r.ends(t, want)
	})
}
