//! Evaluates arithmetic safely: numbers, `+ - * /` and brackets, and nothing else.

use super::Refusal;

/// The maximum length of an expression.
const LONGEST: usize = 1_000;
/// The maximum nesting of brackets and signs, because the parser recurses.
const DEEPEST: usize = 50;

/// Returns the value of an expression like `(350 - 122) * 2`, to cents.
pub(crate) fn evaluate(expression: &str) -> Result<f64, Refusal> {
    if expression.len() > LONGEST {
        return Err(Refusal("the expression is too long".to_owned()));
    }
    let mut parser = Parser { rest: expression.trim_start(), depth: 0 };
    let value = parser.sum()?;
    if !parser.rest.is_empty() {
        return Err(unclear());
    }
    let cents = (value * 100.0).round() / 100.0;
    if cents.is_finite() { Ok(cents) } else { Err(Refusal("the result is no number".to_owned())) }
}

struct Parser<'t> {
    rest: &'t str,
    depth: usize,
}

impl Parser<'_> {
    fn sum(&mut self) -> Result<f64, Refusal> {
        let mut value = self.product()?;
        loop {
            if self.eat('+') {
                value += self.product()?;
            } else if self.eat('-') {
                value -= self.product()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<f64, Refusal> {
        let mut value = self.factor()?;
        loop {
            if self.eat('*') {
                value *= self.factor()?;
            } else if self.eat('/') {
                let by = self.factor()?;
                if by == 0.0 {
                    return Err(Refusal("division by zero".to_owned()));
                }
                value /= by;
            } else {
                return Ok(value);
            }
        }
    }

    fn factor(&mut self) -> Result<f64, Refusal> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Refusal("the expression is too deep".to_owned()));
        }
        let value = if self.eat('-') {
            -self.factor()?
        } else if self.eat('+') {
            self.factor()?
        } else if self.eat('(') {
            let value = self.sum()?;
            if !self.eat(')') {
                return Err(unclear());
            }
            value
        } else {
            self.number()?
        };
        self.depth -= 1;
        Ok(value)
    }

    fn number(&mut self) -> Result<f64, Refusal> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let value = number.parse().map_err(|_| unclear())?;
        self.rest = rest.trim_start();
        Ok(value)
    }

    fn eat(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }
}

fn unclear() -> Refusal {
    Refusal("an expression is made of numbers, + - * / and brackets".to_owned())
}
