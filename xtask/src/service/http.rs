//! As much HTTP/1.1 as it takes to ask the own service over one connection that stays open. Never used for anything
//! else: no TLS, no redirects, no proxies.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::error::{Doing, Failed};

/// Longest wait for bytes; longer than the longest `?wait=`.
const READ_WITHIN: Duration = Duration::from_secs(90);

/// One connection.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
    line: String,
    authorization: String,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Response {
    /// The status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// Returns the body as JSON; fails unless the status is a success.
    pub(crate) fn json(&self) -> Result<Value, Failed> {
        if !(200..300).contains(&self.status) {
            let body = String::from_utf8_lossy(&self.body);
            return Err(Failed::new(format!("the service answered {}: {body}", self.status)));
        }
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// How the body's end is known.
enum Length {
    Known(u64),
    Chunked,
    None,
}

impl Connection {
    /// Opens a connection.
    pub(crate) fn open(address: SocketAddr) -> Result<Self, Failed> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(READ_WITHIN))?;
        Ok(Self {
            stream: BufReader::with_capacity(1 << 16, stream),
            address,
            line: String::new(),
            authorization: String::new(),
        })
    }

    /// Sends a token with every request.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.authorization = format!("Authorization: Bearer {token}\r\n");
        self
    }

    /// Asks with GET.
    pub(crate) fn get(&mut self, path: &str) -> Result<Response, Failed> {
        self.send("GET", path, "application/json", None)?;
        self.receive()
    }

    /// Asks with POST and a JSON body.
    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Result<Response, Failed> {
        self.send("POST", path, "application/json", Some(&body.to_string()))?;
        self.receive()
    }

    /// Asks with GET and returns how many bytes the body had, which are thrown away.
    pub(crate) fn download(&mut self, path: &str) -> Result<u64, Failed> {
        self.send("GET", path, "*/*", None)?;
        let (status, length) = self.head()?;
        let Length::Known(length) = length else { return Err(Failed::new("a download without its length")) };
        if status != 200 {
            return Err(Failed::new(format!("the download was answered {status}")));
        }
        let mut buffer = vec![0; 1 << 18];
        let mut left = length;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let read = self.stream.read(&mut buffer[..most])?;
            if read == 0 {
                return Err(Failed::new(format!("the download ended {left} bytes early")));
            }
            left -= read as u64;
        }
        Ok(length)
    }

    /// Asks for Server-Sent Events; the connection is then a stream of `data:` lines.
    pub(crate) fn events(mut self, path: &str) -> Result<Events, Failed> {
        self.send("GET", path, "text/event-stream", None)?;
        match self.head()? {
            (200, Length::Chunked | Length::None) => Ok(Events { connection: self, text: Vec::new(), left: 0 }),
            (status, _) => Err(Failed::new(format!("the stream was answered {status}"))),
        }
    }

    fn send(&mut self, method: &str, path: &str, accept: &str, body: Option<&str>) -> Result<(), Failed> {
        let (host, authorization) = (self.address, &self.authorization);
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\n{authorization}");
        if let Some(body) = body {
            request
                .push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        } else {
            request.push_str("\r\n");
        }
        Ok(self.stream.get_mut().write_all(request.as_bytes())?)
    }

    fn receive(&mut self) -> Result<Response, Failed> {
        let (status, length) = self.head()?;
        let mut body = Vec::new();
        match length {
            Length::Known(length) => {
                (&mut self.stream).take(length).read_to_end(&mut body)?;
            }
            Length::Chunked => while self.chunk(&mut body)? {},
            Length::None => {}
        }
        Ok(Response { status, body })
    }

    fn head(&mut self) -> Result<(u16, Length), Failed> {
        let status = self.read_line()?;
        let status =
            status.split(' ').nth(1).unwrap_or_default().parse().doing(|| format!("no HTTP answer: {status}"))?;
        let mut length = Length::None;
        loop {
            let line = self.read_line()?.to_ascii_lowercase();
            if line.is_empty() {
                return Ok((status, length));
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = Length::Known(value.trim().parse().doing(|| format!("not a length: {line}"))?);
            } else if line.starts_with("transfer-encoding:") && line.contains("chunked") {
                length = Length::Chunked;
            }
        }
    }

    /// Appends one chunk; returns whether there may be another.
    fn chunk(&mut self, body: &mut Vec<u8>) -> Result<bool, Failed> {
        let line = self.read_line()?;
        let length = u64::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)
            .doing(|| format!("not the length of a chunk: {line}"))?;
        (&mut self.stream).take(length).read_to_end(body)?;
        self.read_line()?;
        Ok(length > 0)
    }

    fn read_line(&mut self) -> Result<String, Failed> {
        self.line.clear();
        if self.stream.read_line(&mut self.line)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(self.line.trim_end().to_owned())
    }
}

/// A stream of Server-Sent Events.
pub(crate) struct Events {
    connection: Connection,
    text: Vec<u8>,
    left: usize,
}

impl Events {
    /// Returns the next `data:` line; none at the end of the stream.
    pub(crate) fn next_data(&mut self) -> Result<Option<String>, Failed> {
        loop {
            while let Some(end) = self.text[self.left..].iter().position(|byte| *byte == b'\n') {
                let line = &self.text[self.left..self.left + end];
                self.left += end + 1;
                if let Some(data) = line.strip_prefix(b"data:") {
                    return Ok(Some(String::from_utf8_lossy(data).trim().to_owned()));
                }
            }
            self.text.drain(..self.left);
            self.left = 0;
            if !self.connection.chunk(&mut self.text)? {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn answering(answer: &'static str) -> Connection {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1_024];
            let read = stream.read(&mut request).unwrap();
            assert!(read > 0);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        Connection::open(address).unwrap()
    }

    #[test]
    fn a_body_has_a_length_or_chunks() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
        assert_eq!(answering(answer).get("/").unwrap().json().unwrap()["a"], 1);
        let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n";
        assert_eq!(answering(answer).get("/").unwrap().json().unwrap()["a"], 1);
    }

    #[test]
    fn an_error_says_what_the_service_said() {
        let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone";
        let failed = answering(answer).get("/").unwrap().json().unwrap_err().to_string();
        assert_eq!(failed, "the service answered 404: none");
    }

    #[test]
    fn events_come_one_by_one_however_they_are_cut() {
        let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
            9\r\nid: 1\ndat\r\n5\r\na: x\n\r\n10\r\n\n: alive\ndata: y\r\n2\r\n\n\n\r\n0\r\n\r\n";
        let mut events = answering(answer).events("/").unwrap();
        assert_eq!(events.next_data().unwrap().as_deref(), Some("x"));
        assert_eq!(events.next_data().unwrap().as_deref(), Some("y"));
        assert_eq!(events.next_data().unwrap(), None);
    }

    #[test]
    fn a_download_that_ends_early_fails() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234";
        let failed = answering(answer).download("/").unwrap_err().to_string();
        assert!(failed.contains("early"), "{failed}");
    }
}
