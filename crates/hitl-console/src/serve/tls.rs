//! TLS by a certificate and a key in files, which may be renewed while the server runs.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use hitl_base::sync::{read, write};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::{Accept, TlsAcceptor};

/// The interval at which the files are read again.
const RELOAD_INTERVAL: Duration = Duration::from_secs(5);

/// TLS 1.2 and 1.3 by a certificate chain and a private key, both in PEM files.
///
/// A server reads the files again every five seconds, and uses what is new for new connections.
/// Files that cannot be used change nothing: the last good ones stay, and a warning is logged.
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    files: Arc<Files>,
}

/// The error for a certificate or a key that cannot be used. It quotes nothing of the files.
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The file has no certificate in PEM form.
    #[error("{} has no certificate: it is a PEM file with the server's certificate first", .0.display())]
    NoCertificate(PathBuf),
    /// The file has no private key in PEM form.
    #[error("{} has no private key: it is a PEM file (PKCS #8, PKCS #1 or SEC 1)", .0.display())]
    NoKey(PathBuf),
    /// The key is of a kind that is not supported, or is not the certificate's.
    #[error("the private key cannot be used with the certificate: {0}")]
    Mismatch(rustls::Error),
}

#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    /// The contents of both files, by which a change is noticed.
    read: Contents,
    certified: Arc<CertifiedKey>,
}

#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contents(..)")
    }
}

impl Tls {
    /// Reads a certificate chain, the server's own certificate first, and its private key.
    pub fn from_files(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, TlsError> {
        let (certificate, key) = (certificate.into(), key.into());
        let provider = Arc::new(ring::default_provider());
        let read = Contents::read(&certificate, &key)?;
        let certified = Arc::new(read.certified(&provider, &certificate, &key)?);
        let current = RwLock::new(Loaded { read, certified });
        let files = Arc::new(Files { certificate, key, current });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Mismatch)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&files) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), files })
    }

    /// Reads the files again. Returns whether they have changed; new connections use what is new.
    /// After an error the former certificate stays in use. Blocks while it reads.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let Files { certificate, key, current } = &*self.files;
        let contents = Contents::read(certificate, key)?;
        if read(current).read == contents {
            return Ok(false);
        }
        let provider = ring::default_provider();
        let certified = Arc::new(contents.certified(&provider, certificate, key)?);
        *write(current) = Loaded { read: contents, certified };
        Ok(true)
    }

    /// Reads the files again and again, until it is dropped.
    pub(super) async fn keep_current(self) {
        loop {
            tokio::time::sleep(RELOAD_INTERVAL).await;
            let tls = self.clone();
            match tokio::task::spawn_blocking(move || tls.reload()).await {
                Ok(Ok(false)) | Err(_) => {}
                Ok(Ok(true)) => tracing::info!("a new certificate is in use"),
                Ok(Err(error)) => tracing::warn!(%error, "the former certificate stays in use"),
            }
        }
    }

    /// Begins a connection: the client's first messages are awaited.
    pub(super) fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Accept<S> {
        self.acceptor.accept(stream)
    }
}

impl Contents {
    fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let of = |path: &Path| {
            std::fs::read(path).map_err(|source| TlsError::File { path: path.to_owned(), source })
        };
        Ok(Self { certificate: of(certificate)?, key: of(key)? })
    }

    /// Parses both, and checks that they belong together.
    fn certified(
        &self,
        provider: &CryptoProvider,
        certificate: &Path,
        key: &Path,
    ) -> Result<CertifiedKey, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|_| TlsError::NoCertificate(certificate.to_owned()))?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate(certificate.to_owned()));
        }
        let private = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| TlsError::NoKey(key.to_owned()))?;
        CertifiedKey::from_der(chain, private, provider).map_err(TlsError::Mismatch)
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&read(&self.current).certified))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Files { certificate, key, .. } = &*self.files;
        f.debug_struct("Tls")
            .field("certificate", certificate)
            .field("key", key)
            .finish_non_exhaustive()
    }
}
