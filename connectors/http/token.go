package httpconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// tokens keeps an access token, and asks for another before it ends. It is safe for concurrent use: one request is
// under way at a time, and the others wait for it.
type tokens struct {
	http    *http.Client
	url     string
	form    string
	earlier time.Duration
	timeout time.Duration
	now     func() time.Time
	turn    chan struct{}

	mu    sync.Mutex
	token string
	ends  time.Time // zero: the server did not say
}

// get gives a token.
func (t *tokens) get(ctx context.Context) (string, error) {
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-t.turn }()
	t.mu.Lock()
	token, ends := t.token, t.ends
	t.mu.Unlock()
	if token != "" && (ends.IsZero() || t.now().Before(ends.Add(-t.earlier))) {
		return token, nil
	}
	asked := t.now()
	token, life, err := t.ask(ctx)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token, t.ends = token, time.Time{}
	if life > 0 {
		t.ends = asked.Add(life)
	}
	return token, nil
}

// drop forgets a token that the service does not take, unless there is another by now.
func (t *tokens) drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token = ""
	}
}

const maxTokenAnswer = 1 << 20

// ask requests a token. What the server answers may hold secrets: of it only the fields that explain an error are told.
func (t *tokens) ask(ctx context.Context) (token string, life time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	shown := hideURL(t.url)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, strings.NewReader(t.form))
	if err != nil {
		return "", 0, errors.New("option \"http.security.oidc.token.endpoint.url\" is no URL")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	resp, err := t.http.Do(r)
	if err != nil {
		return "", 0, &failure{again: true, state: stateException, text: fmt.Sprintf("asking %s for an access token: %s", shown, plain(err))}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenAnswer))
	if err != nil {
		return "", 0, &failure{again: true, state: stateException, text: fmt.Sprintf("asking %s for an access token: the answer ended early: %s", shown, plain(err))}
	}
	var answer struct {
		Token   string  `json:"access_token"`
		Life    float64 `json:"expires_in"`
		Error   string  `json:"error"`
		Explain string  `json:"error_description"`
	}
	bad := json.Unmarshal(body, &answer)
	if resp.StatusCode/100 != 2 {
		f := &failure{again: resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests, state: stateStatus, status: resp.StatusCode}
		f.text = fmt.Sprintf("asking %s for an access token: status %s", shown, statusText(resp.StatusCode))
		if answer.Error != "" {
			f.text += ": " + strings.TrimSuffix(brief([]byte(answer.Error+": "+answer.Explain)), ": ")
		}
		f.text += ": check 'http.security.oidc.token.request' and 'http.security.oidc.token.endpoint.url'"
		return "", 0, f
	}
	if bad != nil || answer.Token == "" {
		return "", 0, &failure{state: stateException, text: fmt.Sprintf("asking %s for an access token: the answer is no JSON object with \"access_token\": check 'http.security.oidc.token.endpoint.url'", shown)}
	}
	return answer.Token, time.Duration(answer.Life * float64(time.Second)), nil
}
