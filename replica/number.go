package replica

import "strings"

// ParseNumber puts a decimal into canonical form: no sign but "-", no exponent,
// no leading or trailing zeros, no "-0". It reads JSON's notation and knows no
// rounding; more than 64 characters are refused.
func ParseNumber(s string) (Number, error) {
	bad := &FormatError{Reason: "not a decimal of at most 64 characters"}
	digits, negative := strings.CutPrefix(s, "-")
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(digits), "e")
	whole, fraction, hasFraction := strings.Cut(mantissa, ".")
	if len(s) > maxNumber || whole == "" || hasFraction && fraction == "" || !isDigits(whole) || !isDigits(fraction) {
		return "", bad
	}
	shift := 0
	if hasExponent {
		var ok bool
		if shift, ok = parseExponent(exponent); !ok {
			return "", bad
		}
	}
	for ; shift > 0; shift-- {
		if fraction == "" {
			fraction = "0"
		}
		whole, fraction = whole+fraction[:1], fraction[1:]
	}
	for ; shift < 0; shift++ {
		if whole == "" {
			whole = "0"
		}
		whole, fraction = whole[:len(whole)-1], whole[len(whole)-1:]+fraction
	}
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if whole == "" {
		whole = "0"
	}
	out := whole
	if fraction != "" {
		out += "." + fraction
	}
	if negative && out != "0" {
		out = "-" + out
	}
	if len(out) > maxNumber {
		return "", bad
	}
	return Number(out), nil
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// parseExponent reads -99 to 99: no canonical decimal has room for more.
func parseExponent(s string) (int, bool) {
	sign := 1
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		s, sign = rest, -1
	} else {
		s = strings.TrimPrefix(s, "+")
	}
	digits := strings.TrimLeft(s, "0")
	if s == "" || len(digits) > 2 || !isDigits(digits) {
		return 0, false
	}
	n := 0
	for _, c := range digits {
		n = 10*n + int(c-'0')
	}
	return sign * n, true
}
