//go:build linux || darwin

package local

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Real clients work against weir kinesis: boto3, the AWS CLI and the JavaScript SDK, by rigs/run.sh, which has more.
func TestRigs(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: starts real clients")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(home, ".cache", "weir-peers", "venv", "bin", "aws")); err != nil {
		t.Skip("SKIPPED: no real clients are installed (see rigs/run.sh): ", err)
	}
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	rigs := exec.Command("bash", "rigs/run.sh", "boto3", "cli", "js")
	rigs.Env = append(os.Environ(), "PORT="+strconv.Itoa(port))
	text, err := rigs.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "PASS") || strings.HasPrefix(line, "SKIP") || strings.HasPrefix(line, "DIFF") {
			t.Log(strings.TrimSpace(line))
		}
	}
}
