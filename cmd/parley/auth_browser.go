package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"parley/node"
)

// lastPage is how long the browser's last page may take to be delivered.
const lastPage = 2 * time.Second

// awaitBrowser listens at redirect until a browser comes to it with an answer that is ours, and
// gives the whole address. ready is called once it listens. Whatever else comes is turned away.
func awaitBrowser(ctx context.Context, redirect string, ours func(string) bool, ready func()) (string, error) {
	at, err := url.Parse(redirect)
	if err != nil || at.Scheme != "http" || at.Port() == "" || !local(at.Hostname()) {
		return "", &node.Advice{Err: fmt.Errorf("%s is not on this machine, or has no port", redirect), Hint: "use --paste"}
	}
	l, err := net.Listen("tcp", at.Host)
	if err != nil {
		return "", &node.Advice{Err: fmt.Errorf("waiting for the browser: %w", err), Hint: "use --paste, or register another callback address and name it with --redirect"}
	}
	answers := make(chan string, 1)
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		w.Header().Set("Referrer-Policy", "no-referrer") // the address holds the code
		w.Header().Set("Cache-Control", "no-store")
		full := redirect + "?" + r.URL.RawQuery
		if r.Method != http.MethodGet || r.Host != at.Host || r.URL.Path != at.Path || !ours(full) {
			http.Error(w, "This is not the answer to the login that waits here.", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!doctype html><title>parley</title><p>parley has the answer, and says in its terminal what became of it. You can close this window.")
		select {
		case answers <- full:
		default: // it came twice
		}
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	ready()
	var answer string
	select {
	case answer = <-answers:
	case err = <-served:
		return "", fmt.Errorf("waiting for the browser: %w", err)
	case <-ctx.Done():
		err = &node.Advice{Err: errors.New("nobody logged in"), Hint: "begin again; --timeout says how long to wait"}
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastPage)
	defer cancel()
	if server.Shutdown(late) != nil {
		server.Close()
	}
	<-served
	return answer, err
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
