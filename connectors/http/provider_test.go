package httpconn_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/internal/session"
)

// TestModel asks a service for a model's answers by ML_PREDICT.
func TestModel(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Amount *float64 `json:"amount"`
			MCC    string   `json:"mcc"`
		}
		switch err := json.NewDecoder(r.Body).Decode(&in); {
		case err != nil || r.Method != http.MethodPost || r.Header.Get("X-Api-Key") != "hush-key":
			w.WriteHeader(http.StatusBadRequest)
		case in.Amount == nil:
			fmt.Fprint(w, `{"score": null, "why": "no amount"}`)
		case *in.Amount > 25:
			w.WriteHeader(http.StatusInternalServerError)
		default:
			fmt.Fprintf(w, `{"score": %v, "why": "%s", "more": 1}`, *in.Amount/100, in.MCC)
		}
	}))
	defer server.Close()
	s, err := session.Open(session.Options{Ephemeral: true, DataDir: t.TempDir(), Warn: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	model := func(name, more string) string {
		return fmt.Sprintf(`CREATE MODEL %s INPUT (amount DOUBLE, mcc STRING) OUTPUT (score DOUBLE, why STRING)
			WITH ('provider' = 'http', 'url' = '%s/score', 'http.security.api-key' = 'hush-key', 'lookup.max-retries' = '0' %s);`, name, server.URL, more)
	}
	tx := `CREATE TEMPORARY VIEW tx AS SELECT * FROM (VALUES (1, 10, 'a'), (2, 20, 'b'), (3, CAST(NULL AS INT), 'c')) AS v (id, amount, mcc);`
	got, err := run(s, model("m", "")+tx+`SELECT id, score, why FROM ML_PREDICT(TABLE tx, MODEL m, DESCRIPTOR(amount, mcc));`)
	if want := "1 0.1 a\n2 0.2 b\n3 (null) no amount"; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	bad := `CREATE TEMPORARY VIEW bad AS SELECT * FROM (VALUES (1, 10, 'a'), (2, 30, 'b')) AS v (id, amount, mcc);`
	_, err = run(s, bad+`SELECT id, score FROM ML_PREDICT(TABLE bad, MODEL m, DESCRIPTOR(amount, mcc));`)
	if err == nil || !strings.Contains(err.Error(), "status 500") || strings.Contains(err.Error(), "hush") {
		t.Errorf("error %v", err)
	}
	got, err = run(s, model("n", ", 'on-error' = 'null'")+`SELECT id, score FROM ML_PREDICT(TABLE bad, MODEL n, DESCRIPTOR(amount, mcc));`)
	if want := "1 0.1\n2 (null)"; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if got, err = run(s, "SHOW CREATE MODEL n;"); err != nil || strings.Contains(got, "hush") || !strings.Contains(got, "****") {
		t.Errorf("shown: %s, %v", got, err)
	}
}
