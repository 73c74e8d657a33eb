//! What a citizen reports while the network is away arrives once, whatever happens to the terminal meanwhile.

use serde_json::Value;

use crate::hall::{Hall, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_was_taken_offline_survives_a_power_cut_and_arrives_once() {
    let mut hall = Hall::open().await;
    hall.platform.stop().await.unwrap();
    hall.tap("轻触屏幕开始").await;
    hall.tap("随手拍").await;
    hall.reads("网络断了，可先受理，恢复后自动送出").await;
    hall.tap("随手拍").await;
    hall.reports("lamp dark").await;
    hall.sees("已受理（离线）").await;
    hall.cut_power().await;
    hall.platform.start_again().await.unwrap();
    until("the case arrives", async || !hall.cases().await.is_empty()).await.unwrap();
    hall.cut_power().await;
    hall.tap("轻触屏幕开始").await;
    hall.tap("打印证明").await;
    // The link stands, so whatever was left to send is sent.
    hall.opens("无房证明").await;
    let cases = hall.cases().await;
    assert_eq!(cases.len(), 1);
    assert_eq!(cases[0]["category"], "照明供电");
    assert_eq!(cases[0]["photos"], 1);
}

impl Hall {
    /// What the platform knows of all that was reported.
    async fn cases(&self) -> Vec<Value> {
        let answer = self.platform.get("/api/cases").await.unwrap();
        answer["cases"].as_array().unwrap().clone()
    }

    /// Everything the report asks for, from the first page to the end.
    async fn reports(&mut self, words: &str) {
        self.tap("开始办理").await;
        self.sees("有东西可拍吗？").await;
        self.tap("拍一张").await;
        self.sees("删除第1张").await;
        self.tap("下一步").await;
        self.tap("哪里不对").await;
        self.types(words).await;
        self.tap("下一步").await;
        self.sees("属于哪一类？").await;
        self.tap("下一步").await;
        self.tap("地图").await;
        self.tap("下一步").await;
        self.sees("要给您回电话吗？").await;
        self.tap("下一步").await;
        self.sees("请核对").await;
        self.tap("没问题，提交").await;
    }
}
