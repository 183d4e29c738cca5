// Package aws holds what all AWS connectors share: the options that say which region, endpoint and
// credentials to use, and the client configuration made from them.
//
// Contract: a Session is plain data once its options are decoded; Config may be called by several
// goroutines. Secrets are read here and handed to the SDK only: no method prints them.
package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"weir/connectors/option"
)

// Session is the AWS options of a table.
type Session struct {
	Region        string
	Endpoint      string
	provider      string
	accessKey     string
	secretKey     string
	sessionToken  string
	profileName   string
	profilePath   string
	roleARN       string
	roleSession   string
	roleExternal  string
	stsEndpoint   string
	tokenFile     string
	trustAllCerts bool
}

// Options binds the aws.* options, by Flink's names.
func (s *Session) Options(o *option.Set) {
	o.String(&s.Region, "aws.region", "", "Region of the service, as `us-east-1`. Default: of the environment, the profile, or `us-east-1` for a local endpoint.")
	o.String(&s.Endpoint, "aws.endpoint", "", "URL of another endpoint than the region's, as `http://127.0.0.1:4567`.")
	o.Enum(&s.provider, "aws.credentials.provider", "AUTO", []string{"AUTO", "BASIC", "PROFILE", "ASSUME_ROLE", "WEB_IDENTITY_TOKEN", "ENV_VAR", "SYS_PROP", "CUSTOM"},
		"Where credentials come from. AUTO is the SDK's chain: environment, profile, web identity, container or instance role.")
	o.String(&s.accessKey, "aws.credentials.basic.accesskeyid", "", "Access key, with BASIC.").Alias("aws.credentials.provider.basic.accesskeyid").Secret()
	o.String(&s.secretKey, "aws.credentials.basic.secretkey", "", "Secret key, with BASIC.").Alias("aws.credentials.provider.basic.secretkey").Secret()
	o.String(&s.sessionToken, "aws.credentials.basic.sessiontoken", "", "Session token, with BASIC.").Secret()
	o.String(&s.profileName, "aws.credentials.profile.name", "", "Profile's name, with PROFILE.").Alias("aws.credentials.provider.profile.name")
	o.String(&s.profilePath, "aws.credentials.profile.path", "", "Path of the shared configuration file, with PROFILE.").Alias("aws.credentials.provider.profile.path")
	o.String(&s.roleARN, "aws.credentials.role.arn", "", "Role to assume, with ASSUME_ROLE or WEB_IDENTITY_TOKEN.").Alias("aws.credentials.provider.role.arn")
	o.String(&s.roleSession, "aws.credentials.role.sessionName", "weir", "Session name of the assumed role.").Alias("aws.credentials.provider.role.sessionName")
	o.String(&s.roleExternal, "aws.credentials.role.externalId", "", "External id that the role asks for.").Alias("aws.credentials.provider.role.externalId").Secret()
	o.String(&s.stsEndpoint, "aws.credentials.role.stsEndpoint", "", "URL of the STS endpoint.")
	o.Unused("aws.credentials.role.provider", "The role is assumed with the credentials of the AUTO chain.")
	o.String(&s.tokenFile, "aws.credentials.webIdentityToken.file", "", "Token file, with WEB_IDENTITY_TOKEN.")
	o.Unused("aws.credentials.custom.class", "A Java class; use another provider.")
	o.Bool(&s.trustAllCerts, "aws.trust.all.certificates", false, "Whether to accept any TLS certificate; only for endpoints of this machine.")
	o.Unused("aws.http.protocol.version", "The protocol is chosen by the connection.")
	o.Unused("aws.http-client.max-concurrency", "Bounded by the number of shards and `sink.requests.max-inflight`.")
	o.Unused("aws.http-client.read-timeout", "Requests time out by themselves.")
}

// UseLocal points the session at an embedded server, unless its options name an endpoint.
func (s *Session) UseLocal(endpoint string) {
	if s.Endpoint == "" {
		s.Endpoint = endpoint
	}
}

// Config loads the SDK's configuration.
func (s *Session) Config(ctx context.Context) (aws.Config, error) {
	if u, err := url.Parse(s.Endpoint); s.Endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return aws.Config{}, errors.New("'aws.endpoint' is no URL: write https://host, or http://host:port")
	}
	if s.trustAllCerts && !Loopback(s.Endpoint) {
		return aws.Config{}, errors.New("'aws.trust.all.certificates' = 'true' is only taken with an 'aws.endpoint' on this machine")
	}
	opts := []func(*config.LoadOptions) error{
		config.WithHTTPClient(s.httpClient()),
		config.WithRetryMaxAttempts(2), // the connectors retry themselves, without an end
		config.WithLogger(logging.Nop{}),
	}
	if region := s.region(); region != "" {
		opts = append(opts, config.WithRegion(region))
	}
	auth, err := s.credentials()
	if err != nil {
		return aws.Config{}, err
	}
	opts = append(opts, auth...)
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return cfg, &explained{"aws: " + err.Error(), err, Fatal}
	}
	cfg.HTTPClient = plainBody{cfg.HTTPClient} // not before: loading may add AWS_CA_BUNDLE to the client
	if s.provider == "ASSUME_ROLE" {
		s.assumeRole(&cfg)
	}
	if s.Endpoint != "" {
		cfg.BaseEndpoint = aws.String(s.Endpoint)
	}
	if cfg.Region == "" {
		return cfg, errors.New("no AWS region: set 'aws.region' on the table, or AWS_REGION")
	}
	return cfg, nil
}

// region is the option's, or any for an endpoint on this machine.
func (s *Session) region() string {
	if s.Region == "" && Loopback(s.Endpoint) {
		return "us-east-1"
	}
	return s.Region
}

func (s *Session) credentials() ([]func(*config.LoadOptions) error, error) {
	var opts []func(*config.LoadOptions) error
	switch s.provider {
	case "AUTO":
		// Servers on this machine want a signature and do not check it: no search for real credentials.
		if Loopback(s.Endpoint) && os.Getenv("AWS_ACCESS_KEY_ID") == "" {
			opts = append(opts, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
		}
	case "BASIC":
		if s.accessKey == "" || s.secretKey == "" {
			return nil, errors.New("'aws.credentials.provider' = 'BASIC' wants 'aws.credentials.basic.accesskeyid' and 'aws.credentials.basic.secretkey'")
		}
		static := credentials.NewStaticCredentialsProvider(s.accessKey, s.secretKey, s.sessionToken)
		opts = append(opts, config.WithCredentialsProvider(static))
	case "PROFILE":
		if s.profileName != "" {
			opts = append(opts, config.WithSharedConfigProfile(s.profileName))
		}
		if s.profilePath != "" {
			opts = append(opts, config.WithSharedConfigFiles([]string{s.profilePath}), config.WithSharedCredentialsFiles([]string{s.profilePath}))
		}
	case "ASSUME_ROLE":
		if s.roleARN == "" {
			return nil, errors.New("'aws.credentials.provider' = 'ASSUME_ROLE' wants 'aws.credentials.role.arn'")
		}
	case "WEB_IDENTITY_TOKEN":
		if s.roleARN == "" || s.tokenFile == "" {
			return nil, errors.New("'aws.credentials.provider' = 'WEB_IDENTITY_TOKEN' wants 'aws.credentials.role.arn' and 'aws.credentials.webIdentityToken.file'")
		}
		opts = append(opts, config.WithWebIdentityRoleCredentialOptions(func(o *stscreds.WebIdentityRoleOptions) {
			o.RoleARN, o.RoleSessionName, o.TokenRetriever = s.roleARN, s.roleSession, stscreds.IdentityTokenFile(s.tokenFile)
		}))
	case "SYS_PROP", "CUSTOM":
		return nil, fmt.Errorf("'aws.credentials.provider' = '%s' means a Java virtual machine; use AUTO, BASIC, PROFILE, ASSUME_ROLE or WEB_IDENTITY_TOKEN", s.provider)
	}
	return opts, nil
}

func (s *Session) assumeRole(cfg *aws.Config) {
	client := sts.NewFromConfig(*cfg, func(o *sts.Options) {
		if s.stsEndpoint != "" {
			o.BaseEndpoint = aws.String(s.stsEndpoint)
		}
	})
	cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, s.roleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = s.roleSession
		if s.roleExternal != "" {
			o.ExternalID = aws.String(s.roleExternal)
		}
	}))
}

// httpClient keeps a connection a shard, and gives up on a server that does not answer.
func (s *Session) httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTimeout(30 * time.Second).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = 64
		if s.trustAllCerts {
			t.TLSClientConfig.InsecureSkipVerify = true
		}
	})
}

// plainBody hides that a request body can WriteTo: the SDK closes the body as soon as the response
// starts, WriteTo then fails, and net/http drops the connection in the middle of the response.
type plainBody struct{ next config.HTTPClient }

// Do sends a request.
func (c plainBody) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return c.next.Do(r)
}

// Loopback tells whether an endpoint is on this machine.
func Loopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || endpoint == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// Defaults sets every option to its default, for a Session that is not bound to a table.
func (s *Session) Defaults() {
	region, endpoint := s.Region, s.Endpoint
	s.Options(&option.Set{})
	s.Region, s.Endpoint = region, endpoint
}
