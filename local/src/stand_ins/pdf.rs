//! Small PDFs with a text on their page: the same for the same text, another for another.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::OriginalUri;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, header};

/// A PDF of one page.
pub(super) fn saying(text: &str) -> Vec<u8> {
    let shown = text
        .chars()
        .filter(|it| it.is_ascii_graphic() || *it == ' ');
    // These three mean something in a PDF's text.
    let shown: String = shown
        .map(|it| if "\\()".contains(it) { '.' } else { it })
        .collect();
    let page = format!("BT /F1 12 Tf 40 780 Td ({shown}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{page}\nendstream", page.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    file(&objects).into_bytes()
}

/// The file of these objects, with the table that says where each begins.
fn file(objects: &[String]) -> String {
    let mut file = "%PDF-1.4\n".to_owned();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (object, number) in objects.iter().zip(1..) {
        // Writing to a String does not fail.
        let _ = writeln!(table, "{:010} 00000 n ", file.len());
        let _ = write!(file, "{number} 0 obj\n{object}\nendobj\n");
    }
    let (start, size) = (file.len(), objects.len() + 1);
    let trailer = format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    file + &table + &trailer
}

/// A report at every address below these paths, for whoever has the link: vendors ask for no key there.
pub(super) fn router(paths: &[&str]) -> Router {
    paths.iter().fold(Router::new(), |router, path| {
        router.route(path, get(report))
    })
}

/// Its page says where it was.
async fn report(OriginalUri(address): OriginalUri) -> Response {
    let body = saying(&format!("The report at {address}"));
    ([(header::CONTENT_TYPE, "application/pdf")], body).into_response()
}

/// The address of a report, under the one that this call was made to.
pub(super) fn link(call: &HeaderMap, path: &str) -> String {
    let host = call.get(header::HOST).and_then(|host| host.to_str().ok());
    format!("http://{}{path}", host.unwrap_or("127.0.0.1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_text_is_another_pdf_and_the_same_text_the_same() {
        assert_eq!(saying("one"), saying("one"));
        assert_ne!(saying("one"), saying("two"));
        let text = String::from_utf8(saying("a(b)\\c\u{1b}ä")).unwrap();
        assert!(text.starts_with("%PDF-") && text.ends_with("%%EOF\n"));
        assert!(text.contains("(a.b..c) Tj"), "{text}");
    }

    #[test]
    fn the_table_says_where_each_object_begins() {
        let text = String::from_utf8(saying("one")).unwrap();
        let (_, rest) = text.split_once("startxref\n").unwrap();
        let start: usize = rest.lines().next().unwrap().parse().unwrap();
        let table = text[start..].lines().skip(3).take(5);
        for (line, number) in table.zip(1..) {
            let offset: usize = line[..10].parse().unwrap();
            assert!(
                text[offset..].starts_with(&format!("{number} 0 obj\n")),
                "{line}"
            );
        }
    }
}
