// Package api is an HTTP API in front of a model, as a team that owns one might run it behind Amazon's API Gateway: it answers
// POST /prod/score, and only to requests that are signed for it (AWS signature version 4).
//
// Contract: an API is safe for concurrent use. It shares no code with what signs: the checker follows Amazon's description.
package api

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// API is the handler.
type API struct {
	Checker
	// Delay is how long the model takes.
	Delay time.Duration
	// Calls and Refused count requests that were answered, and those that were not.
	Calls, Refused atomic.Int64

	model model
}

// model is one linear output of a file, of which this is all that the API knows.
type model struct {
	Outputs struct {
		Score struct {
			Intercept  float64
			Weights    map[string]float64
			Categories map[string]map[string]float64
		}
	}
}

// New reads the model's file. Requests are signed with the secrets of these access keys.
func New(path, region string, secrets map[string]string) (*API, error) {
	a := &API{Checker: Checker{Service: "execute-api", Region: region, Secrets: secrets}}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &a.model)
	}
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return a, nil
}

// maxBody bounds a request.
const maxBody = 64 << 10

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		a.refuse(w, http.StatusRequestEntityTooLarge, "the request is too long")
		return
	}
	if err := a.Check(r, body); err != nil {
		a.refuse(w, http.StatusForbidden, err.Error())
		return
	}
	if r.URL.Path != "/prod/score" || r.Method != http.MethodPost {
		a.refuse(w, http.StatusNotFound, "there is POST /prod/score")
		return
	}
	var inputs map[string]any
	if err := json.Unmarshal(body, &inputs); err != nil {
		a.refuse(w, http.StatusBadRequest, "the body is no JSON object")
		return
	}
	select {
	case <-time.After(a.Delay):
	case <-r.Context().Done():
		return
	}
	a.Calls.Add(1)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]float64{"score": a.score(inputs)})
}

func (a *API) refuse(w http.ResponseWriter, status int, message string) {
	a.Refused.Add(1)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func (a *API) score(inputs map[string]any) float64 {
	m := a.model.Outputs.Score
	sum := m.Intercept
	for name, v := range inputs {
		switch v := v.(type) {
		case float64:
			sum += v * m.Weights[name]
		case string:
			sum += m.Categories[name][v]
		}
	}
	return 1 / (1 + math.Exp(-sum))
}
