//! One request a connection, by hand: so that a test can stop reading, cut the socket, or send half a body.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Longest silence of a server.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// An answer whose body was read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(&self.body)))
    }
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    reader: BufReader<TcpStream>,
    chunked: bool,
    left: Option<u64>,
    chunk: u64,
}

/// Sends a request and reads the head of the answer.
pub(crate) fn open(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Open> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    stream.set_write_timeout(Some(SILENCE_MAX))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() || method == "POST" || method == "PUT" {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    head += "\r\n";
    stream.write_all(head.as_bytes())?;
    // A server may refuse before it has read the whole body.
    let _ = stream.write_all(body);
    let mut open = read_head(stream)?;
    if method == "HEAD" || open.status == 204 || open.status == 304 {
        // The length is that of a body that is not sent.
        (open.chunked, open.left) = (false, Some(0));
    }
    Ok(open)
}

/// Reads the head of an answer.
pub(crate) fn read_head(stream: TcpStream) -> std::io::Result<Open> {
    let mut reader = BufReader::new(stream);
    let bad = |what: &str| std::io::Error::other(format!("a bad answer: {what}"));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| bad(&line))?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        let (name, value) = text.split_once(':').ok_or_else(|| bad(text))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let of = |name: &str| headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let chunked = of("transfer-encoding").is_some_and(|value| value.contains("chunked"));
    let left = of("content-length").and_then(|value| value.parse().ok());
    Ok(Open { status, headers, reader, chunked, left, chunk: 0 })
}

impl Read for Open {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if !self.chunked {
            let most = self.left.map_or(buffer.len() as u64, |left| left.min(buffer.len() as u64));
            let length = self.reader.read(&mut buffer[..usize::try_from(most).unwrap_or(usize::MAX)])?;
            self.left = self.left.map(|left| left - length as u64);
            if length == 0 && self.left.is_some_and(|left| left > 0) {
                return Err(std::io::Error::other("the body broke off"));
            }
            return Ok(length);
        }
        if self.chunk == 0 {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                line.clear();
                self.reader.read_line(&mut line)?;
            }
            self.chunk =
                u64::from_str_radix(line.trim(), 16).map_err(|_| std::io::Error::other("the body broke off"))?;
            if self.chunk == 0 {
                self.chunked = false;
                self.left = Some(0);
                return Ok(0);
            }
        }
        let most = usize::try_from(self.chunk.min(buffer.len() as u64)).unwrap_or(usize::MAX);
        let length = self.reader.read(&mut buffer[..most])?;
        if length == 0 {
            return Err(std::io::Error::other("the body broke off"));
        }
        self.chunk -= length as u64;
        Ok(length)
    }
}

/// Sends a request and reads the whole answer.
pub(crate) fn send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let mut open = open(address, method, path, headers, body)?;
    let mut body = Vec::new();
    open.read_to_end(&mut body)?;
    Ok(Answer { status: open.status, headers: std::mem::take(&mut open.headers), body })
}

/// One event of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) data: String,
}

/// Reads events until `wanted` is false or the stream ends.
pub(crate) fn events(open: Open, mut wanted: impl FnMut(&Event) -> bool) -> Vec<Event> {
    let mut found = Vec::new();
    let mut event = Event::default();
    for line in BufReader::new(open).lines().map_while(Result::ok) {
        if line.is_empty() {
            if !event.data.is_empty() || event.id.is_some() {
                let done = std::mem::take(&mut event);
                let go_on = wanted(&done);
                found.push(done);
                if !go_on {
                    break;
                }
            }
        } else if let Some((name, value)) = line.split_once(':') {
            let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
            match name {
                "id" => event.id = Some(value),
                "event" => event.name = value,
                "data" => event.data += &value,
                _ => {}
            }
        }
    }
    found
}
