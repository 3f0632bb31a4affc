package console

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestPageInBrowser opens the page in a real browser: its policy lets the style and the meter through, and it fits.
func TestPageInBrowser(t *testing.T) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("PARLEY_DEMAND") == "1" {
			t.Fatal("no Chromium is installed")
		}
		t.Skip("no Chromium is installed")
	}
	server := httptest.NewServer(Pages(PageConfig{Load: somePage, Log: slog.New(slog.DiscardHandler)}))
	defer server.Close()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()))
	for _, flag := range []string{"disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	ctx, stopTab := chromedp.NewContext(ctx)
	defer stopTab()
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()

	err := chromedp.Do(ctx, chromedp.EmulateViewport(420, 900), chromedp.Navigate(server.URL+"/"), chromedp.WaitVisible(chromedp.CSS("meter")))
	if err != nil {
		t.Fatal(err)
	}
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("main")))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Jira's budget", "9,000 of 65,000 points left until 15:00 UTC", "Webhooks: 12 taken", "SUP-1"} {
		if !strings.Contains(text, want) {
			t.Errorf("a person does not read %q in:\n%s", want, text)
		}
	}
	for script, want := range map[string]float64{
		`document.querySelector("meter").value`:                                                                             9000,
		`document.querySelector("meter").getBoundingClientRect().width > 100 ? 1 : 0`:                                       1, // the style is there
		`document.documentElement.scrollWidth <= document.documentElement.clientWidth ? 1 : 0`:                              1, // nothing sticks out of a narrow window
		`document.querySelectorAll("section[aria-labelledby]").length - document.querySelectorAll("section h2[id]").length`: 0,
	} {
		got, err := chromedp.Run(ctx, chromedp.Evaluate[float64](script))
		if err != nil || got != want {
			t.Errorf("%s is %v, want %v: %v", script, got, want, err)
		}
	}
}
