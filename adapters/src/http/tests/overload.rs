//! Commands beyond what may be on their way.

use actix_web::test::TestRequest;

use super::harness::House;
use jifen_engine::Options;

/// Goal: when there are as many commands on their way as there may be, others are refused, without their body being
/// read, through every door; reads go on; and afterwards all is as before.
#[actix_web::test]
async fn commands_beyond_the_bound_are_refused_before_their_body_is_read() {
    let house = House::new(Options::default()).await;
    let all = house.edge.bounds().commands;
    let array = || {
        let request = TestRequest::post().uri("/v1/commands");
        request.insert_header(("content-type", "application/json"))
    };
    let lines = || {
        let request = TestRequest::post().uri("/v1/commands");
        request.insert_header(("content-type", "application/x-ndjson"))
    };
    let one = || {
        let request = TestRequest::put().uri("/v1/members/m");
        request.insert_header(("idempotency-key", "e"))
    };
    let inside = house.edge.enter(all).unwrap();
    for request in [array(), lines(), one()] {
        // What could not be read as a command shows that nobody has read it.
        let told = house.knock(request.set_payload("neither")).await;
        assert_eq!(told.status.as_u16(), 503, "{}", told.text);
        assert_eq!(told.headers.get("retry-after").unwrap(), "1");
        assert!(
            told.text.contains(r#""code":"overloaded""#),
            "{}",
            told.text
        );
    }
    let told = house.get("/health/live").await;
    assert_eq!(told.status.as_u16(), 200);
    drop(inside);
    assert_eq!(house.knock(one()).await.status.as_u16(), 201);

    // An array for which there is no room is refused whole, and nothing of it is done.
    let inside = house.edge.enter(all - 1).unwrap();
    let two = r#"[{"id":"a","type":"enrol","member":"a"},{"id":"b","type":"enrol","member":"b"}]"#;
    let told = house.knock(array().set_payload(two)).await;
    assert_eq!(told.status.as_u16(), 503, "{}", told.text);
    drop(inside);
    assert_eq!(house.get("/v1/members/a").await.status.as_u16(), 404);
    assert_eq!(
        house.knock(array().set_payload(two)).await.status.as_u16(),
        200
    );
}
