package jql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// MaxQuery bounds the source in bytes. A search by 5,000 issue keys, the largest page Jira Cloud serves, needs about 75 KB.
	MaxQuery = 100 << 10
	// maxDepth bounds parentheses, NOT chains and lists within lists. The parser recurses; people write fewer than ten.
	maxDepth = 200
)

// SyntaxError is why a query did not parse, in the words of Jira's REST API.
type SyntaxError struct {
	Line, Col int // from 1; Col counts UTF-16 units, as Jira does
	Offset    int // byte in the source
	Msg       string
}

func (e *SyntaxError) Error() string { return e.Msg }

// Parse reads one query; the empty query is valid. Every error is a *SyntaxError. Field names, functions and values are
// not looked up: Compile does that.
func Parse(q string) (*Query, error) {
	if len(q) > MaxQuery {
		return nil, &SyntaxError{Line: 1, Col: 1, Msg: fmt.Sprintf("Error in the JQL Query: The query is longer than %d bytes.", MaxQuery)}
	}
	if !utf8.ValidString(q) {
		return nil, &SyntaxError{Line: 1, Col: 1, Msg: "Error in the JQL Query: The query is not valid UTF-8."}
	}
	p := &parser{lexer: lexer{src: q}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	return p.query()
}

// parser is recursive descent with one token of look-ahead.
type parser struct {
	lexer
	tok   token
	depth int
}

func (p *parser) advance() (err error) {
	p.tok, err = p.next()
	return err
}

func (p *parser) take() (token, error) {
	t := p.tok
	return t, p.advance()
}

func (p *parser) query() (*Query, error) {
	q := &Query{}
	var err error
	if p.tok.kind != endOfQuery && p.tok.kind != orderWord {
		if q.Where, err = p.or(); err != nil {
			return nil, err
		}
	}
	if p.tok.kind == orderWord {
		if q.OrderBy, err = p.orderBy(); err != nil {
			return nil, err
		}
	}
	if p.tok.kind != endOfQuery {
		return nil, p.fail("Expecting either 'OR' or 'AND'")
	}
	return q, nil
}

func (p *parser) or() (Clause, error) {
	clauses, err := p.chain(orWord, p.and)
	if err != nil || len(clauses) == 1 {
		return first(clauses), err
	}
	return &Or{clauses}, nil
}

func (p *parser) and() (Clause, error) {
	clauses, err := p.chain(andWord, p.not)
	if err != nil || len(clauses) == 1 {
		return first(clauses), err
	}
	return &And{clauses}, nil
}

func first(clauses []Clause) Clause {
	if len(clauses) == 0 {
		return nil
	}
	return clauses[0]
}

func (p *parser) chain(link kind, part func() (Clause, error)) ([]Clause, error) {
	var clauses []Clause
	for {
		c, err := part()
		if err != nil {
			return nil, err
		}
		clauses = append(clauses, c)
		if p.tok.kind != link {
			return clauses, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) not() (Clause, error) {
	switch p.tok.kind {
	case bang, notWord:
		if err := p.enter(); err != nil {
			return nil, err
		}
		c, err := p.not()
		if err != nil {
			return nil, err
		}
		p.depth--
		return &Not{c}, nil
	case leftParen:
		if err := p.enter(); err != nil {
			return nil, err
		}
		c, err := p.or()
		if err != nil {
			return nil, err
		}
		p.depth--
		return c, p.expect(rightParen, "Expecting ')'")
	}
	return p.terminal()
}

// enter steps into something nested, behind the token that opens it.
func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return p.errorAt(p.tok.start, "Error in the JQL Query: The query is nested deeper than %d levels.", maxDepth)
	}
	return p.advance()
}

func (p *parser) terminal() (Clause, error) {
	field, err := p.field()
	if err != nil {
		return nil, err
	}
	t := &Terminal{Field: field}
	if t.Operator, err = p.operator(); err != nil {
		return nil, err
	}
	if t.Operator != Changed {
		at := p.tok.start
		if t.Operand, err = p.operand(); err != nil {
			return nil, err
		}
		if msg := misuse(t); msg != "" {
			return nil, p.reject(at, msg)
		}
	}
	t.Predicates, err = p.predicates(t.Operator)
	return t, err
}

func (p *parser) operator() (Operator, error) {
	const valid = "The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'."
	t := p.tok
	switch t.kind {
	case equalsOp, compareOp, likeOp, inWord, changedWord:
		return Operator(t.text), p.advance()
	case notWord:
		if err := p.advance(); err != nil {
			return "", err
		}
		return NotIn, p.expect(inWord, "Expecting 'IN'")
	case isWord:
		return p.negatable(Is, IsNot)
	case wasWord:
		op, err := p.negatable(Was, WasNot)
		if err != nil || p.tok.kind != inWord {
			return op, err
		}
		return op + " in", p.advance()
	case endOfQuery:
		return "", p.refuse("Error in the JQL Query: Expecting operator before the end of the query. " + valid)
	}
	return "", p.refuseAt("Error in the JQL Query: Expecting operator but got '%s'. %s", p.shown(), valid)
}

func (p *parser) negatable(plain, negated Operator) (Operator, error) {
	if err := p.advance(); err != nil {
		return plain, err
	}
	switch p.tok.kind {
	case notWord:
		return negated, p.advance()
	case bang:
		return plain, p.fail("Expecting 'NOT'")
	}
	return plain, nil
}

func (p *parser) predicates(op Operator) ([]Predicate, error) {
	switch op {
	case Was, WasNot, WasIn, WasNotIn, Changed:
	default:
		return nil, nil
	}
	var list []Predicate
	for p.tok.kind == predicateWord || p.tok.kind == byWord {
		name := Operator(p.tok.text)
		if op != Changed && (name == From || name == To) {
			break
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		operand, err := p.operand()
		if err != nil {
			return nil, err
		}
		list = append(list, Predicate{name, operand})
	}
	if op == Changed && (p.tok.kind >= positiveNumber || p.tok.kind == leftParen) {
		return nil, p.refuse("The CHANGED operator does not support the use of values without predicates. You must prefix the " + p.shown() + " value with a suitable predicate.")
	}
	return list, nil
}

func (p *parser) orderBy() ([]Sort, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.expect(byWord, "Expecting 'by'"); err != nil {
		return nil, err
	}
	for list := []Sort(nil); ; {
		field, err := p.field()
		if err != nil {
			return nil, err
		}
		sort := Sort{Field: field}
		if p.tok.kind == directionWord {
			sort.Direction = strings.ToUpper(p.tok.text)
			if err := p.advance(); err != nil {
				return nil, err
			}
		}
		list = append(list, sort)
		switch {
		case p.tok.kind == endOfQuery:
			return list, nil
		case p.tok.kind == comma:
			if err := p.advance(); err != nil {
				return nil, err
			}
		case sort.Direction == "":
			return nil, p.fail("Expecting either 'ASC' or 'DESC'")
		default:
			return nil, p.fail("Expecting ','")
		}
	}
}
