//! Puts together what citizens ask at terminals: content, keys, departments, the port for devices.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum_server::Server;
use tokio::net::TcpListener;
use tracing::error;

use super::{Assembly, StartError, in_file};
use crate::devices::{self, Door, Rates, Reception};
use crate::enrolment::Enrolment;
use crate::handoffs::HandOffs;
use crate::library::Library;
use crate::pages::{self, Pages};
use crate::services::department::Departments;
use crate::services::papers::Notary;
use crate::services::shelf::Shelf;
use crate::services::vault::Vault;
use crate::services::{Services, clerk};

/// What answers citizens.
#[derive(Debug, Clone)]
pub(super) struct Office {
    pub(super) services: Arc<Services>,
    pub(super) notary: Arc<Notary>,
    pub(super) pages: Arc<Pages>,
    handoffs: Arc<Mutex<HandOffs>>,
    /// Address that citizens' telephones reach, without a slash at its end.
    public: String,
}

impl Assembly {
    /// `port` is that of the port for devices.
    pub(super) fn office(&mut self, port: u16) -> Result<Office, StartError> {
        let config = &self.config;
        let (shelf, registry) = Shelf::find(config.content.as_deref())?;
        let departments = Departments::open(registry, config.departments.as_deref())?;
        let (seal, sign) = (config.data.join("seal.key"), config.data.join("documents.key"));
        let vault = Vault::open(&seal).map_err(in_file(&seal))?;
        let notary = Arc::new(Notary::open(&sign).map_err(in_file(&sign))?);
        let public = match &config.public {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("https://{}:{port}", config.host),
        };
        let figures = (Arc::clone(&self.metrics), self.clock.clone());
        let services =
            Services::new(self.store.clone(), shelf, vault, departments, public.clone(), figures);
        let services = Arc::new(services);
        self.tasks.spawn(clerk::run(Arc::clone(&services), self.stop.clone()));
        let handoffs = Arc::<Mutex<HandOffs>>::default();
        let pages = Arc::new(Pages {
            store: self.store.clone(),
            services: Arc::clone(&services),
            notary: Arc::clone(&notary),
            handoffs: Arc::clone(&handoffs),
            clock: self.clock.clone(),
        });
        Ok(Office { services, notary, pages, handoffs, public })
    }

    pub(super) fn devices_server(
        &mut self,
        listener: TcpListener,
        enrolment: Arc<Enrolment>,
        library: &Library,
        office: &Office,
    ) -> Result<(), StartError> {
        let server = self.authority.issue_server(&self.names(), self.clock.now().wall)?;
        let folder = &self.config.data;
        let door = Door::new(&server, self.authority.root_pem()).map_err(in_file(folder))?;
        let listener = listener.into_std().map_err(in_file(folder))?;
        let server: Server<SocketAddr> =
            axum_server::from_tcp(listener).map_err(in_file(folder))?;
        let reception = Arc::new(Reception {
            services: Arc::clone(&office.services),
            authority: Arc::clone(&self.authority),
            notary: Arc::clone(&office.notary),
            store: self.store.clone(),
            handoffs: Arc::clone(&office.handoffs),
            public: office.public.clone(),
            clock: self.clock.clone(),
            rates: Mutex::new(Rates::default()),
        });
        let router = enrolment
            .router()
            .merge(library.router())
            .merge(devices::router(reception))
            .merge(pages::router(Arc::clone(&office.pages)));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                ended = server.acceptor(door).serve(service) => {
                    error!("the port for devices is lost: {ended:?}");
                }
                () = stop.cancelled() => {}
            }
        });
        Ok(())
    }
}
