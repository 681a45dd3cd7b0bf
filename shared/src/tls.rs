//! The one TLS stack: rustls on `ring`. `docs/adr` says why.

/// Makes `ring` what rustls uses in this process. Clients that are not told otherwise ask for it.
pub fn use_ring() {
    // Only the first call in a process takes effect, and all choose the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
