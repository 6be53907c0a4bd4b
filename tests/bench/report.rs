//! The table: what was measured beside its goal.

/// One line of it.
#[derive(Debug)]
pub(crate) struct Figure {
    what: String,
    goal: String,
    measured: String,
}

impl Figure {
    /// A figure with a goal; an empty goal is a figure that only explains another.
    pub(crate) fn new(
        what: impl Into<String>,
        goal: impl Into<String>,
        measured: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            goal: goal.into(),
            measured: measured.into(),
        }
    }
}

/// The table as far as it is filled. Progress goes to standard error, the table to standard output at the end.
#[derive(Debug)]
pub(crate) struct Report {
    machine: String,
    rows: Vec<(String, Figure)>,
    section: String,
}

impl Report {
    pub(crate) const fn begin(machine: String) -> Self {
        Self {
            machine,
            rows: Vec::new(),
            section: String::new(),
        }
    }

    pub(crate) fn section(&mut self, name: &str) {
        progress(&format!("{name} …"));
        name.clone_into(&mut self.section);
    }

    /// Takes figures in; each is told at once, so that an interrupted run has said something.
    pub(crate) fn add(&mut self, figures: Vec<Figure>) {
        for figure in figures {
            progress(&format!("  {}: {}", figure.what, figure.measured));
            self.rows.push((self.section.clone(), figure));
        }
    }

    /// Prints it as a Markdown table, with the load of the machine at the end beside the one at the beginning.
    #[expect(clippy::print_stdout, reason = "printing is what a bench is for")]
    pub(crate) fn end(self, load: String) {
        println!("{}; load average at the end {load}\n", self.machine);
        println!("| subject | figure | goal | measured |");
        println!("|---|---|---|---|");
        for (section, figure) in self.rows {
            println!(
                "| {section} | {} | {} | {} |",
                figure.what, figure.goal, figure.measured
            );
        }
    }
}

/// Says what is going on to whoever waits.
#[expect(
    clippy::print_stderr,
    reason = "a run takes minutes, and somebody waits"
)]
pub(crate) fn progress(text: &str) {
    eprintln!("{text}");
}
