package jql

import (
	"fmt"
	"strings"
)

func (p *parser) field() (Field, error) {
	t := p.tok
	var f Field
	switch t.kind {
	case positiveNumber, negativeNumber:
		return Field{Name: t.text, Raw: t.text}, p.advance()
	case word, quoted:
		if t.text == "" {
			return f, p.errorAt(t.start, "Error in the JQL Query: A field name cannot be empty.")
		}
		f = Field{Name: t.text, Raw: p.src[t.start:t.end]}
		if err := p.advance(); err != nil {
			return f, err
		}
	case customFieldWord:
		var err error
		if f, err = p.customField(); err != nil {
			return f, err
		}
	case endOfQuery:
		return f, p.refuse("Error in the JQL Query: Expecting a field name at the end of the query.")
	case leftBracket:
		return f, p.refuseAt("Error in the JQL Query: Expecting a field name but got '['. Did you mean 'cf['?")
	default:
		return f, p.refuseAt("Error in the JQL Query: Expecting a field name but got '%[1]s'. You must surround '%[1]s' in quotation marks to use it as a field name.", p.shown())
	}
	for p.tok.kind == leftBracket {
		property, err := p.property()
		if err != nil {
			return f, err
		}
		f.Properties = append(f.Properties, property)
	}
	return f, nil
}

// customField reads cf[10001].
func (p *parser) customField() (Field, error) {
	start := p.tok.start
	if err := p.advance(); err != nil {
		return Field{}, err
	}
	if err := p.expect(leftBracket, "Expecting '['"); err != nil {
		return Field{}, err
	}
	id := p.tok.text
	if err := p.expect(positiveNumber, "Expecting a custom field id (a positive number)"); err != nil {
		return Field{}, err
	}
	end := p.tok.end
	if err := p.expect(rightBracket, "Expecting ']'"); err != nil {
		return Field{}, err
	}
	return Field{Name: "cf[" + trimZeros(id) + "]", Raw: p.src[start:end]}, nil
}

func trimZeros(digits string) string {
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return "0"
	}
	return digits
}

// property reads [key] and the path arguments behind it.
func (p *parser) property() (Property, error) {
	if err := p.advance(); err != nil {
		return Property{}, err
	}
	key, err := p.argument()
	if err != nil {
		return Property{}, err
	}
	property := Property{Key: key}
	if err := p.expect(rightBracket, "Expecting ']'"); err != nil {
		return property, err
	}
	for p.tok.kind >= positiveNumber {
		t, err := p.take()
		if err != nil {
			return property, err
		}
		property.Path = append(property.Path, t.text)
	}
	return property, nil
}

// operand reads any operand; misuse tells whether the operator takes it.
func (p *parser) operand() (Operand, error) {
	switch p.tok.kind {
	case emptyWord:
		return Keyword{}, p.advance()
	case leftParen:
		return p.list()
	case positiveNumber, negativeNumber, word, quoted:
	case endOfQuery:
		return nil, p.refuse("Error in JQL Query: Expecting either a value, list or function before the end of the query.")
	default:
		return nil, p.refuseAt("Error in JQL Query: Expecting either a value, list or function but got '%[1]s'. You must surround '%[1]s' in quotation marks to use it as a value.", p.shown())
	}
	t, err := p.take()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != leftParen {
		return Value{Text: t.text, Raw: p.src[t.start:t.end]}, nil
	}
	if t.text == "" {
		return nil, p.errorAt(t.start, "Error in the JQL Query: A function name cannot be empty.")
	}
	return p.call(t.text)
}

func (p *parser) call(name string) (Operand, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	f := Func{Name: name}
	for p.tok.kind != rightParen {
		switch {
		case p.tok.kind == endOfQuery, p.tok.kind == comma && len(f.Args) == 0:
			return nil, p.fail("Expecting ')'")
		case len(f.Args) > 0:
			if err := p.expect(comma, "Expecting ')' or ','"); err != nil {
				return nil, err
			}
		}
		arg, err := p.argument()
		if err != nil {
			return nil, err
		}
		f.Args = append(f.Args, arg)
	}
	return f, p.advance()
}

func (p *parser) argument() (string, error) {
	switch {
	case p.tok.kind >= positiveNumber:
		t, err := p.take()
		return t.text, err
	case p.tok.kind == endOfQuery:
		return "", p.refuse("Error in the JQL Query: Expecting a function argument at the end of the query.")
	case p.tok.kind == rightParen:
		return "", p.refuseAt("Error in the JQL Query: Function argument must be specified.")
	}
	return "", p.refuseAt("Error in the JQL Query: Expecting a function argument but got '%[1]s'. You must surround '%[1]s' in quotation marks to use it as an argument.", p.shown())
}

func (p *parser) list() (Operand, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	var l List
	for {
		v, err := p.operand()
		if err != nil {
			return nil, err
		}
		l.Values = append(l.Values, v)
		if p.tok.kind != comma {
			break
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	p.depth--
	return l, p.expect(rightParen, "Expecting ')'")
}

// misuse names, in Jira's words, an operand that the operator's grammar does not take; empty where it does.
func misuse(t *Terminal) string {
	switch t.Operator {
	case In, NotIn, WasIn, WasNotIn:
		switch o := t.Operand.(type) {
		case Keyword:
			return fmt.Sprintf("Operator '%s' does not support the empty value representation 'EMPTY' for field '%s'.", t.Operator, t.Field.Name)
		case Value:
			return fmt.Sprintf("Operator '%s' does not support the non-list value '%s' for field '%s'.", t.Operator, display(o), t.Field.Name)
		}
		return ""
	case Is, IsNot:
		if _, ok := t.Operand.(Keyword); !ok {
			return fmt.Sprintf("Operator '%s' does not support searching for non-empty values for field '%s'.", t.Operator, t.Field.Name)
		}
		return ""
	case Less, Greater, AtMost, AtLeast:
		if _, ok := t.Operand.(Keyword); ok {
			return fmt.Sprintf("Operator '%s' does not support the empty value representation 'EMPTY' for field '%s'.", t.Operator, t.Field.Name)
		}
	}
	if l, ok := t.Operand.(List); ok {
		return fmt.Sprintf("Operator '%s' does not support the list value '%s' for field '%s'.", t.Operator, display(l), t.Field.Name)
	}
	return ""
}

// expect takes a token of the kind, or fails with what was expected.
func (p *parser) expect(k kind, what string) error {
	if p.tok.kind != k {
		return p.fail(what)
	}
	return p.advance()
}

// fail says what was expected and what stood there.
func (p *parser) fail(expecting string) error {
	if p.tok.kind == endOfQuery {
		return p.refuse("Error in the JQL Query: " + expecting + " before the end of the query.")
	}
	return p.refuseAt("Error in the JQL Query: %s but got '%s'.", expecting, p.shown())
}

// refuse reports msg without a position in its text, refuseAt with one. Jira cuts the whole source before it parses: a
// character or word further on that no query may hold is reported first.
func (p *parser) refuse(msg string) error { return p.reject(p.tok.start, msg) }

func (p *parser) reject(at int, msg string) error {
	if err := p.lexicalError(); err != nil {
		return err
	}
	line, col := p.place(at)
	return &SyntaxError{Line: line, Col: col, Offset: at, Msg: msg}
}

func (p *parser) refuseAt(format string, args ...any) error {
	if err := p.lexicalError(); err != nil {
		return err
	}
	return p.errorAt(p.tok.start, format, args...)
}

func (p *parser) lexicalError() error {
	rest := p.lexer
	for {
		if t, err := rest.next(); err != nil || t.kind == endOfQuery {
			return err
		}
	}
}

// shown is the current token as an error names it.
func (p *parser) shown() string {
	if p.tok.kind == quoted {
		return p.tok.text
	}
	return p.src[p.tok.start:p.tok.end]
}
