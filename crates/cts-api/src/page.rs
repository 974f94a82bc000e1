//! Paging of lists: how many, from where, and where the next page is.

/// Most items of a page.
pub const LIMIT_MAX: u32 = 1000;
/// Items of a page when nobody says how many.
pub const LIMIT_DEFAULT: u32 = 50;
/// Lines of a page of a log when nobody says how many.
pub const LOG_LIMIT_DEFAULT: u32 = 1000;
/// Most lines of a page of a log.
pub const LOG_LIMIT_MAX: u32 = 10_000;

/// Header with the cursor of the next page.
pub const NEXT_CURSOR: &str = "x-next-cursor";
/// Header with the number of items on all pages.
pub const TOTAL_COUNT: &str = "x-total-count";

/// Returns the value of the `Link` header that names the next page.
#[must_use]
pub fn next_link(url: &str) -> String {
    format!("<{url}>; rel=\"next\"")
}

/// Returns the URL of the next page from the value of a `Link` header.
#[must_use]
pub fn next_url(link: &str) -> Option<&str> {
    link.split(',').find_map(|part| {
        let (url, rel) = part.trim().strip_prefix('<')?.split_once('>')?;
        rel.contains("rel=\"next\"").then_some(url)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_read_back_from_its_link() {
        let url = "http://localhost:8080/v1/runs?cursor=abc&limit=2";
        assert_eq!(next_url(&next_link(url)), Some(url));
        assert_eq!(next_url("</x>; rel=\"prev\""), None);
    }
}
