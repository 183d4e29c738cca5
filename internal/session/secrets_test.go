package session

import "testing"

func TestHideSecrets(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := hideSecrets(in); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
		if len(want) != len(in) {
			t.Errorf("%q: positions move", in)
		}
	}
	f("'aws.credentials.basic.secretkey' = 'abc', 'stream'='s'", "'aws.credentials.basic.secretkey' = '***', 'stream'='s'")
	f("'PASSWORD'='it''s', 'a'='b'", "'PASSWORD'='*****', 'a'='b'")
	f("'http.headers.Authorization'='ä\nb'", "'http.headers.Authorization'='**\n*'")
	f("'x.api-key'='k','token'='unfinished", "'x.api-key'='*','token'='**********")
	f("SELECT 'secret' AS a, 'token' = b", "SELECT 'secret' AS a, 'token' = b")
	f("'aws.endpoint'='http://user:pw@host'", "'aws.endpoint'='http://user:**@host'")
	f("'aws.credentials.provider'='BASIC'", "'aws.credentials.provider'='BASIC'")
}
