package sim

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browser starts a headless Chromium with a profile of its own, and ends it with the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		wanted(t, "no Chromium is installed")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()))
	for _, flag := range []string{"disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stopTab := chromedp.NewContext(ctx)
	t.Cleanup(stopTab)
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// TestWebInBrowser plays the whole story on real pages: a customer asks, an agent notes and answers and resolves,
// and the customer sees the answer and not the note. PARLEY_SHOTS names a folder for pictures of the pages.
func TestWebInBrowser(t *testing.T) {
	ctx := browser(t)
	tenant := MustNew(Config{Name: "north"})
	server := httptest.NewServer(tenant)
	defer server.Close()
	tenant.SetURL(server.URL)
	step := func(what string, actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		shoot(t, ctx, what)
	}
	press := func(what, button, then string, before ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, before...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		submit(t, ctx, button)
		step(what, chromedp.WaitVisible(chromedp.CSS(then)))
	}
	page := func() string {
		t.Helper()
		s, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("main")))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	type css = chromedp.CSS

	step("portal", chromedp.EmulateViewport(1280, 900), chromedp.Navigate(server.URL+"/portal"), chromedp.WaitVisible(css(".type")))
	press("form", ".type", "#raise")
	press("raised", "#send", ".notice", chromedp.SendKeys(css(`[name="f.summary"]`), "Cannot reach the VPN"),
		chromedp.SendKeys(css(`[name="f.description"]`), "It says *no route* since this morning."))
	where, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimPrefix(where[:strings.IndexByte(where, '?')], server.URL+"/portal/")
	if !strings.HasPrefix(key, tenant.Project()+"-") {
		t.Fatalf("the request's page is %s", where)
	}

	step("queue", chromedp.Navigate(server.URL+"/"), chromedp.WaitVisible(css("table.tickets")))
	if !strings.Contains(page(), "Cannot reach the VPN") {
		t.Error("the queue does not show the request")
	}
	press("note", "#note", ".comment.internal", chromedp.Navigate(server.URL+"/browse/"+key),
		chromedp.SendKeys(css("#comment"), "Their account is _blocked_ by billing"))
	press("answer", "#reply", ".comment.public", chromedp.SendKeys(css("#comment"), "We are looking into it"))
	photo := filepath.Join(t.TempDir(), "screen.png")
	if err := os.WriteFile(photo, picture(), 0o600); err != nil {
		t.Fatal(err)
	}
	press("file", "#attach button", ".files img.thumb", chromedp.SetUploadFiles(css(`#attach input[type=file]`), []string{photo}))
	press("work", "#work button", "#works li", chromedp.SendKeys(css(`#work [name="spent"]`), "45m"), chromedp.SendKeys(css(`#work [name="words"]`), "Checked the gateway"))
	press("watch", "#watch", ".notice")
	press("link", "#link button", "#links li a", chromedp.SendKeys(css(`#link [name="to"]`), "https://status.example.com/vpn"))
	press("labels", "#save", ".notice", chromedp.SendKeys(css(`[name="f.labels"]`), "vpn"))
	resolve(t, ctx, tenant, server.URL, key)

	step("seen", chromedp.Navigate(server.URL+"/portal/"+key), chromedp.WaitVisible(css("#status .lozenge.done")))
	if seen := page(); !strings.Contains(seen, "We are looking into it") || strings.Contains(seen, "billing") {
		t.Errorf("the customer sees:\n%s", seen)
	}
	press("customer's file", "#attach button", ".comment img.shown", chromedp.SendKeys(css(`#attach [name="words"]`), "It looks like this now"),
		chromedp.SetUploadFiles(css(`#attach input[type=file]`), []string{photo}))
	press("rated", "#send-rating", "#rating .stars", chromedp.SendKeys(css(`#rate [name="words"]`), "Quick and friendly"))
	step("whole ticket", chromedp.Navigate(server.URL+"/browse/"+key), chromedp.WaitVisible(css("#rating .stars")))
	step("narrow", chromedp.EmulateViewport(420, 800), chromedp.Navigate(server.URL+"/browse/"+key), chromedp.WaitVisible(css("#summary")))
}

// picture is a small PNG.
func picture() []byte {
	img := image.NewRGBA(image.Rect(0, 0, 160, 90))
	for i := range img.Pix {
		img.Pix[i] = uint8(i / 320)
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img) // cannot fail into memory
	return b.Bytes()
}

// resolve presses buttons until the ticket is done, as an agent does: straight there where it can be.
func resolve(t *testing.T, ctx context.Context, tenant *Tenant, base, key string) {
	t.Helper()
	agent := tenant.person(mustAccount(t, tenant, Agent).Email)
	for range 8 {
		_, is := tenant.act(agent, "GET", "/rest/api/3/issue/"+key, nil)
		if textAt(is, "fields", "status", "statusCategory", "key") == "done" {
			return
		}
		_, answer := tenant.act(agent, "GET", "/rest/api/3/issue/"+key+"/transitions", nil)
		moves := listAt(answer, "transitions")
		if len(moves) == 0 {
			t.Fatal("no transition")
		}
		next := moves[0]
		for _, m := range moves {
			if textAt(m, "to", "statusCategory", "key") == "done" && !strings.Contains(textAt(m, "name"), "Cancel") {
				next = m
			}
		}
		form := `form:has(input[name="transition"][value="` + textAt(next, "id") + `"])`
		if err := chromedp.Do(ctx, chromedp.Navigate(base+"/browse/"+key)); err != nil {
			t.Fatal(err)
		}
		submit(t, ctx, form+" button")
	}
	t.Fatal("never done")
}

// submit presses a button and waits until the page that it leads to is there.
func submit(t *testing.T, ctx context.Context, button string) {
	t.Helper()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(button))); err != nil {
		t.Fatalf("pressing %s: %v", button, err)
	}
}

func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("PARLEY_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}
