package api

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The request of Amazon's description of signatures, with the signature that stands there.
const (
	listUsers = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"
	signature = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
)

func TestCheck(t *testing.T) {
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		change func(c *Checker, r *http.Request, body *[]byte)
		want   string
	}{
		"as it is":           {func(*Checker, *http.Request, *[]byte) {}, ""},
		"not signed":         {func(_ *Checker, r *http.Request, _ *[]byte) { r.Header.Del("Authorization") }, "Missing Authentication Token"},
		"another key":        {func(c *Checker, _ *http.Request, _ *[]byte) { c.Secrets = map[string]string{"AKIDOTHER": "x"} }, "security token"},
		"another secret":     {func(c *Checker, _ *http.Request, _ *[]byte) { c.Secrets["AKIDEXAMPLE"] = "x" }, "does not match"},
		"another body":       {func(_ *Checker, _ *http.Request, b *[]byte) { *b = []byte("x") }, "does not match"},
		"another path":       {func(_ *Checker, r *http.Request, _ *[]byte) { r.URL.Path = "/x" }, "does not match"},
		"another query":      {func(_ *Checker, r *http.Request, _ *[]byte) { r.URL.RawQuery = "Action=DeleteUser&Version=2010-05-08" }, "does not match"},
		"another host":       {func(_ *Checker, r *http.Request, _ *[]byte) { r.Host = "sts.amazonaws.com" }, "does not match"},
		"another header":     {func(_ *Checker, r *http.Request, _ *[]byte) { r.Header.Set("Content-Type", "text/plain") }, "does not match"},
		"of another service": {func(c *Checker, _ *http.Request, _ *[]byte) { c.Service = "execute-api" }, "valid region and service"},
		"of another region":  {func(c *Checker, _ *http.Request, _ *[]byte) { c.Region = "eu-west-1" }, "valid region and service"},
		"another date":       {func(_ *Checker, r *http.Request, _ *[]byte) { r.Header.Set("X-Amz-Date", "20150831T123600Z") }, "Date in Credential scope"},
		"another time":       {func(_ *Checker, r *http.Request, _ *[]byte) { r.Header.Set("X-Amz-Date", "20150830T123601Z") }, "does not match"},
		"four minutes later": {func(c *Checker, _ *http.Request, _ *[]byte) {
			c.Now = func() time.Time { return at.Add(4 * time.Minute) }
		}, ""},
		"six minutes later": {func(c *Checker, _ *http.Request, _ *[]byte) {
			c.Now = func() time.Time { return at.Add(6 * time.Minute) }
		}, "Signature expired"},
		"six minutes early": {func(c *Checker, _ *http.Request, _ *[]byte) {
			c.Now = func() time.Time { return at.Add(-6 * time.Minute) }
		}, "Signature expired"},
		"host not signed": {func(_ *Checker, r *http.Request, _ *[]byte) {
			r.Header.Set("Authorization", strings.Replace(signature, "host;", "", 1))
		}, "must be signed headers"},
		"half a credential": {func(_ *Checker, r *http.Request, _ *[]byte) {
			r.Header.Set("Authorization", strings.Replace(signature, "/aws4_request", "", 1))
		}, "'Credential' parameter"},
	} {
		r, err := http.NewRequest("GET", listUsers, &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		r.Header.Set("X-Amz-Date", "20150830T123600Z")
		r.Header.Set("Authorization", signature)
		checker := &Checker{Service: "iam", Region: "us-east-1", Secrets: map[string]string{"AKIDEXAMPLE": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, Now: func() time.Time { return at }}
		var body []byte
		c.change(checker, r, &body)
		got := ""
		if err := checker.Check(r, body); err != nil {
			got = err.Error()
		}
		if got == "" != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
