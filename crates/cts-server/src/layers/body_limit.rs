//! Reads a body whole, but never more than the limit, and takes none that was compressed.

use axum::body::{Body, Bytes};
use cts_model::Code;
use http::{HeaderMap, header};
use http_body::Body as _;
use http_body_util::{BodyExt, Limited};

use crate::problem::Refusal;

/// Returns the bytes of a body of at most `most` bytes.
pub(crate) async fn read(body: Body, most: u64) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::new(Code::BodyTooLarge, format!("the body is larger than {most} bytes"));
    // A declared length is believed before a single byte is read.
    if body.size_hint().lower() > most {
        return Err(too_large());
    }
    let limited = Limited::new(body, usize::try_from(most).unwrap_or(usize::MAX));
    match limited.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Err(error) => Err(Refusal::new(Code::InvalidBody, format!("the body broke off: {error}"))),
    }
}

/// Refuses a body that was compressed: how large it is would be known too late.
pub(crate) fn check_encoding(headers: &HeaderMap) -> Result<(), Refusal> {
    let encodings = headers.get_all(header::CONTENT_ENCODING);
    if encodings.iter().all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    Err(Refusal::new(Code::UnsupportedMediaType, "the body is compressed; send it without Content-Encoding"))
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        assert_eq!(read(Body::from("12345"), 5).await.unwrap(), "12345");
        assert_eq!(read(Body::from("123456"), 5).await.unwrap_err().fault().code, Code::BodyTooLarge);
        let parts = stream::iter([Ok::<_, std::io::Error>("123"), Ok("456")]);
        assert_eq!(read(Body::from_stream(parts), 5).await.unwrap_err().fault().code, Code::BodyTooLarge);
        let broken = stream::iter([Ok("1"), Err(std::io::Error::other("cut"))]);
        assert_eq!(read(Body::from_stream(broken), 5).await.unwrap_err().fault().code, Code::InvalidBody);
    }
}
