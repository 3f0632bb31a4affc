package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

//go:embed style.css
var styleText []byte

// ShownLinks is how many links the page shows; "parley link list" shows all.
const ShownLinks = 200

// Page is what the web page shows.
type Page struct {
	Status Status
	Held   []Held
	Links  []Link // at most ShownLinks, the newest first
	Total  int    // links in all
}

// PageConfig says where the page's figures come from and who may see them.
type PageConfig struct {
	Load     func(ctx context.Context) (Page, error)
	Password string       // asked for with any user name; empty: nobody is asked, and only names of this machine are answered
	Log      *slog.Logger // of the node
}

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"ago":       ago,
	"utc":       func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"clock":     func(t time.Time) string { return t.UTC().Format("15:04 UTC") },
	"thousands": thousands,
}).Parse(pageText))

// Pages is the web page: read-only, without scripts.
func Pages(cfg PageConfig) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		page, err := cfg.Load(r.Context())
		var b bytes.Buffer
		if err == nil {
			err = pageTemplate.Execute(&b, page)
		}
		if err != nil {
			cfg.Log.Error("showing the console page", "err", err)
			http.Error(w, "The page could not be made; the node's log says why.", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(b.Bytes())
	})
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Write(styleText)
	})
	return guard(cfg.Password, mux)
}

// guard sets the headers that bound what a browser does with the page, and
// turns away who may not see it.
func guard(password string, next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(password))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if password == "" && !loopbackHost(r.Host) {
			http.Error(w, "Ask for this page by an address of this machine, such as 127.0.0.1.", http.StatusMisdirectedRequest)
			return
		}
		if password != "" {
			_, given, _ := r.BasicAuth()
			got := sha256.Sum256([]byte(given))
			if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
				h.Set("WWW-Authenticate", `Basic realm="parley", charset="UTF-8"`)
				http.Error(w, "The password is in the file console.password of the node's home.", http.StatusUnauthorized)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// Loopback reports whether an address to listen on can be reached from this
// machine only. A missing host means every interface.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && loopbackName(host)
}

func loopbackHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	return loopbackName(host)
}

func loopbackName(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// ago words how long ago t was, as of now.
func ago(t time.Time) string {
	switch d := time.Since(t); {
	case t.IsZero():
		return ""
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s ago", max(0, int(d.Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}

// thousands writes a number as a person reads it: 65,000.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
