package modelstest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"
)

// Credentials of tests.
const (
	AccessKey    = "AKIDEXAMPLE"
	SecretKey    = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	SessionToken = "a-session-token"
)

// CheckSignature recomputes signature version 4 from the request as it came and the secret; an empty text is good.
func CheckSignature(r *http.Request, body, region, service string, now time.Time) string {
	auth, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return "there is no signature"
	}
	fields := map[string]string{}
	for _, f := range strings.Split(auth, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(f), "=")
		fields[k] = v
	}
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", date)
	if err != nil {
		return "no date"
	}
	if d := now.Sub(at); d > 5*time.Minute || d < -5*time.Minute {
		return "Signature expired: " + date
	}
	scope := date[:8] + "/" + region + "/" + service + "/aws4_request"
	if fields["Credential"] != AccessKey+"/"+scope {
		return "credential " + fields["Credential"]
	}
	if r.Header.Get("X-Amz-Security-Token") != SessionToken || !strings.Contains(fields["SignedHeaders"], "x-amz-security-token") || !strings.Contains(fields["SignedHeaders"], "host") {
		return "the session token is not signed"
	}
	sum := sha256.Sum256([]byte(body))
	canonical := []string{r.Method, canonicalPath(r.URL.EscapedPath()), canonicalQuery(r.URL.RawQuery)}
	for _, name := range strings.Split(fields["SignedHeaders"], ";") {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		canonical = append(canonical, name+":"+strings.TrimSpace(value))
	}
	canonical = append(canonical, "", fields["SignedHeaders"], hex.EncodeToString(sum[:]))
	hash := sha256.Sum256([]byte(strings.Join(canonical, "\n")))
	key := []byte("AWS4" + SecretKey)
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	want := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hex.EncodeToString(hash[:])))
	if fields["Signature"] != want {
		return "the signature does not match"
	}
	return ""
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonicalPath escapes what is escaped already once more, as all services but S3 want it.
func canonicalPath(path string) string {
	if path == "" {
		return "/"
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = awsEscape(p)
	}
	return strings.Join(parts, "/")
}

func canonicalQuery(raw string) string {
	values, _ := url.ParseQuery(raw)
	var pairs []string
	for k, list := range values {
		for _, v := range list {
			pairs = append(pairs, awsEscape(k)+"="+awsEscape(v))
		}
	}
	sort.Strings(pairs)
	return strings.Join(pairs, "&")
}

func awsEscape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// Signed is the options of a session in a region with these credentials.
func Signed(region string) []string {
	return []string{"aws.region=" + region, "aws.credentials.provider=BASIC", "aws.credentials.basic.accesskeyid=" + AccessKey,
		"aws.credentials.basic.secretkey=" + SecretKey, "aws.credentials.basic.sessiontoken=" + SessionToken}
}
