//! Whose turn it is to commit. Tasks are numbered as they are dispatched, which is the source's order; a lane
//! commits only when every task before its own has been acknowledged, so the target is a prefix of the
//! source's history at every instant.

use tokio::sync::watch;

/// Number of a task, from 0 at each start.
pub type Ticket = u64;

#[derive(Debug, Clone)]
pub struct Turn {
    next: watch::Sender<Ticket>,
}

impl Turn {
    pub fn new() -> Self {
        Self { next: watch::Sender::new(0) }
    }

    /// Whether everything before `ticket` has committed.
    pub fn is(&self, ticket: Ticket) -> bool {
        *self.next.borrow() == ticket
    }

    pub async fn wait(&self, ticket: Ticket) {
        // The sender is `self`: it cannot be gone.
        let _ = self.next.subscribe().wait_for(|next| *next == ticket).await;
    }

    /// `ticket` has committed.
    pub fn pass(&self, ticket: Ticket) {
        self.next.send_replace(ticket + 1);
    }
}
