//! A web server that hands out the files of a folder, as one that stands in front of a webroot.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;

/// Starts it at `address`; it ends with the test program.
pub(crate) fn serve(address: &str, folder: PathBuf) {
    let listener = TcpListener::bind(address).expect("the port is free");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut head = BufReader::new(&stream).lines().map_while(Result::ok);
            let request = head.next().unwrap_or_default();
            head.find(String::is_empty);
            let answer = match file(&request, &folder) {
                Some(text) => format!("200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len()),
                None => "404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            };
            write!(stream, "HTTP/1.1 {answer}").ok();
        }
    });
}

/// The content of the file that a request line asks for.
fn file(request: &str, folder: &Path) -> Option<String> {
    let path = request.strip_prefix("GET /")?.strip_suffix(" HTTP/1.1")?;
    fs::read_to_string(folder.join(path)).ok()
}
