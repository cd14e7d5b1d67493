//! Free ports and addresses on loopback.

use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use super::LaunchError;

/// Below the range the kernel hands out for outgoing connections, so that a port found free now is
/// not taken by a client socket before the server binds it.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// A port on `127.0.0.1` that neither TCP nor UDP uses and that no other caller in this process
/// was given.
pub(crate) fn free_port() -> Result<u16, LaunchError> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that run at the same time start at different places.
    let start = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(PORTS)).unwrap_or(0);
    for _ in 0..PORTS {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % PORTS;
        let port = FIRST_PORT + (start + step) % PORTS;
        if is_free(IpAddr::V4(Ipv4Addr::LOCALHOST), port) {
            return Ok(port);
        }
    }
    Err(LaunchError::Failed("no free port on 127.0.0.1".to_owned()))
}

/// An address in `127.0.0.0/8` of one's own, on which the ports 53, 80 and 443 are free and may be
/// bound by this process.
pub(crate) fn own_address() -> Result<Ipv4Addr, LaunchError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let [.., high, low] = std::process::id().to_be_bytes();
    let mut refused = None;
    for _ in 0..64 {
        let [.., step] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let address = Ipv4Addr::new(127, 64 | (step & 63), high, low.clamp(1, 254));
        let ports = [53, 80, 443];
        match ports.iter().find_map(|port| bind(IpAddr::V4(address), *port).err()) {
            None => return Ok(address),
            Some(error) => refused = Some(error),
        }
    }
    let why = refused.map(|error| error.to_string()).unwrap_or_default();
    Err(LaunchError::NotPermitted(format!(
        "the ports 53, 80 and 443 cannot be bound on any loopback address ({why}); run as root, or \
         in a network namespace of one's own as .ci/test does"
    )))
}

fn is_free(address: IpAddr, port: u16) -> bool {
    bind(address, port).is_ok()
}

fn bind(address: IpAddr, port: u16) -> std::io::Result<()> {
    TcpListener::bind((address, port))?;
    UdpSocket::bind((address, port))?;
    Ok(())
}
