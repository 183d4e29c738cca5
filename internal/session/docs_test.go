package session

import (
	"os"
	"testing"
)

// TestPages says when a generated page no longer is what the code declares.
func TestPages(t *testing.T) {
	for name, want := range map[string]string{
		"functions.md": FunctionsPage(), "connectors.md": ConnectorsPage(), "settings.md": SettingsPage(),
	} {
		got, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Error(err)
			continue
		}
		if string(got) != want {
			t.Errorf("docs/%s has drifted from the code: run go generate ./docs", name)
		}
	}
}

func TestSettingDefaults(t *testing.T) {
	for _, s := range Settings() {
		if s.Default == "" {
			continue
		}
		if err := s.try(s.Default); err != nil {
			t.Errorf("%s: its own default: %v", s.Name, err)
		}
	}
}

func TestSet(t *testing.T) {
	f := func(name, value, want string) {
		t.Helper()
		_, err := conf{}.set(name, value)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("SET %s = %s: %q, want %q", name, value, got, want)
		}
	}
	f("table.local-time-zone", "Europe/Berlin", "")
	f("table.local-time-zone", "GMT+08:00", "")
	f("table.local-time-zone", "Mars", "setting 'table.local-time-zone': 'Mars' is no time zone: give a name as 'Europe/Berlin', or an offset as 'GMT+01:00'")
	f("parallelism.default", "0", "setting 'parallelism.default': '0' is not a whole number from 1 to 1024")
	f("table.exec.state.tl", "1 h", "there is no setting 'table.exec.state.tl'; did you mean 'table.exec.state.ttl'?")
	f("table.exec.mini-batch.enabled", "true", "")
}

func TestSubstitute(t *testing.T) {
	f := func(in, want, wantErr string) {
		t.Helper()
		got, err := Substitute(in, map[string]string{"A": "1"})
		if err != nil {
			if err.Error() != wantErr {
				t.Errorf("%q: %v, want %q", in, err, wantErr)
			}
			return
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	f("x${A}y${B:-2}z${C:-}", "x1y2z", "")
	f("$A $${A} ${A", "$A $1 ${A", "")
	f("${X} ${W} ${A}", "", "undefined ${W}, ${X}: pass -v NAME=value, set it in the environment, or give a default as ${NAME:-value}")
}
