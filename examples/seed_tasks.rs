//! Two long tasks, with progress bars: research on competitors, and an export that needs a retry.
//! The work is fictitious and quick; the timeouts are real.

use std::time::Duration;

use hitl::tasks::{ProgressBars, Retry, StepContext, Task, TaskManager, TaskStep};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let manager =
        TaskManager::builder().max_concurrent(5).emitter(ProgressBars::stderr()).build()?;
    let research = manager.submit(competitor_landscape())?;
    let export = manager.submit(bulk_export())?;
    println!("{}", research.wait().await?);
    println!("{}", export.wait().await?);
    Ok(())
}

/// Defines four steps of at most 30, 60, 60 and 30 seconds; 300 seconds in total.
fn competitor_landscape() -> Task<String> {
    Task::new("Competitor landscape research")
        .step(TaskStep::new("Gather sources", gather).timeout(Duration::from_secs(30)))
        .step(TaskStep::new("Analyze competitors", analyze).timeout(Duration::from_secs(60)))
        .step(TaskStep::new("Compare positioning", compare).timeout(Duration::from_secs(60)))
        .step(TaskStep::new("Write report", write).timeout(Duration::from_secs(30)))
        .timeout(Duration::from_secs(300))
}

/// Defines four steps of at most 30, 120 (retried twice), 60 and 60 seconds; 600 seconds in total.
fn bulk_export() -> Task<String> {
    Task::new("Bulk data export")
        .step(TaskStep::new("Validate request", validate).timeout(Duration::from_secs(30)))
        .step(
            TaskStep::new("Export rows", export)
                .timeout(Duration::from_secs(120))
                .retry(Retry::exponential(2)),
        )
        .step(TaskStep::new("Compress", compress).timeout(Duration::from_secs(60)))
        .step(TaskStep::new("Upload", upload).timeout(Duration::from_secs(60)))
        .timeout(Duration::from_secs(600))
}

async fn gather(cx: StepContext) -> Result<Vec<&'static str>, String> {
    work(&cx, "reading the news").await;
    Ok(vec!["Initech", "Hooli", "Globex"])
}

async fn analyze(cx: StepContext, names: Vec<&'static str>) -> Result<Vec<String>, String> {
    work(&cx, "reading balance sheets").await;
    Ok(names.iter().map(|name| format!("{name} is growing")).collect())
}

async fn compare(cx: StepContext, findings: Vec<String>) -> Result<(usize, String), String> {
    work(&cx, "drawing the map").await;
    Ok((findings.len(), findings.join("; ")))
}

async fn write(cx: StepContext, (count, findings): (usize, String)) -> Result<String, String> {
    work(&cx, "writing").await;
    Ok(format!("{count} competitors: {findings}"))
}

async fn validate(cx: StepContext) -> Result<u32, String> {
    work(&cx, "checking permissions").await;
    Ok(12_000)
}

/// Fails at first, as exports do.
async fn export(cx: StepContext, rows: u32) -> Result<u32, String> {
    work(&cx, "copying rows").await;
    if cx.attempt() == 1 { Err("the connection was lost".to_owned()) } else { Ok(rows) }
}

async fn compress(cx: StepContext, rows: u32) -> Result<(u32, u32), String> {
    work(&cx, "compressing").await;
    Ok((rows, rows / 40))
}

async fn upload(cx: StepContext, (rows, kilobytes): (u32, u32)) -> Result<String, String> {
    work(&cx, "uploading").await;
    Ok(format!("{rows} rows exported, {kilobytes} kB"))
}

/// Simulates real work: a few tenths of a second, with progress.
async fn work(cx: &StepContext, what: &str) {
    cx.message(what);
    for share in [0.25, 0.5, 0.75, 1.0] {
        tokio::time::sleep(Duration::from_millis(60)).await;
        cx.progress(share);
    }
}
